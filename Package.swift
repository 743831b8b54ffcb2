// swift-tools-version: 6.2
import PackageDescription

// Versions are exact: what was tested is what is built. `Package.resolved` stays out of the repository because the
// commit ids in it differ between mirrors of the same packages.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")

let package = Package(
  name: "emban",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "emban", targets: ["Emban"]),
    // For back ends that send events and embed dashboards; of the packages below it needs async-http-client alone.
    .library(name: "EmbanClient", targets: ["EmbanClient"]),
  ],
  dependencies: [
    .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
    .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0", traits: ["YAML"]),
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
  ],
  targets: [
    .executableTarget(
      name: "Emban",
      dependencies: [
        "Domain", "ClickHouse", "QueryEngine", "Rollups", "Ingest", "ConfigStore", "Access", "Delivery", "HTTPAPI",
        hummingbird, asyncHTTPClient, logging, lifecycle, nioCore, unixSignals,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Configuration", package: "swift-configuration"),
      ],
      swiftSettings: settings),
    .target(
      name: "EmbanClient", dependencies: [asyncHTTPClient, nioCore, .product(name: "NIOHTTP1", package: "swift-nio")],
      swiftSettings: settings),
    // Built here as well as by its own package, so that it is compiled and tested with everything else.
    .executableTarget(
      name: "EmbanExample", dependencies: ["EmbanClient", hummingbird, lifecycle, logging], path: "examples/swift/Sources/App",
      swiftSettings: settings),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Domain", swiftSettings: settings),
    .target(
      name: "Schema", path: "schema", sources: ["Schema.swift"],
      resources: [.embedInCode("clickhouse"), .embedInCode("config")],
      swiftSettings: settings),
    .target(
      name: "ClickHouse",
      dependencies: [
        "Domain", "Schema", asyncHTTPClient, nioCore, logging, lifecycle, crypto,
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: settings),
    .target(name: "QueryEngine", dependencies: ["Domain", "ClickHouse"], swiftSettings: settings),
    .target(
      name: "Rollups", dependencies: ["Domain", "ClickHouse", logging, lifecycle, nioCore], swiftSettings: settings),
    .target(
      name: "Ingest",
      dependencies: [
        "Domain", "ClickHouse", "CZlib", logging, lifecycle, nioCore, crypto,
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: settings),
    .target(
      name: "ConfigStore",
      dependencies: ["Domain", "Schema", logging, .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: settings),
    .target(
      name: "Access",
      dependencies: [
        "Domain", "ConfigStore", crypto,
        .product(name: "CryptoExtras", package: "swift-crypto"),
        .product(name: "JWTKit", package: "jwt-kit"),
      ],
      swiftSettings: settings),
    .target(
      name: "Delivery",
      dependencies: [
        "Domain", nioCore, .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: settings),
    .target(
      name: "HTTPAPI",
      dependencies: [
        "Domain", "Access", "ClickHouse", "ConfigStore", "Ingest", "QueryEngine",
        hummingbird, nioCore, logging, crypto,
        .product(name: "HTTPTypes", package: "swift-http-types"),
      ],
      swiftSettings: settings),
    .target(
      name: "TestSupport", dependencies: ["Domain", "ClickHouse", asyncHTTPClient, logging], path: "Tests/TestSupport",
      swiftSettings: settings),
    .testTarget(
      name: "EmbanClientTests",
      dependencies: [
        "EmbanClient", asyncHTTPClient, hummingbird, nioCore, logging, .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: settings),
    .testTarget(name: "DomainTests", dependencies: ["Domain"], swiftSettings: settings),
    .testTarget(
      name: "ClickHouseTests",
      dependencies: ["Domain", "ClickHouse", "TestSupport", asyncHTTPClient, nioCore, logging, lifecycle], swiftSettings: settings),
    .testTarget(
      name: "QueryEngineTests", dependencies: ["Domain", "ClickHouse", "QueryEngine", "TestSupport", nioCore], swiftSettings: settings),
    .testTarget(
      name: "RollupsTests",
      dependencies: [
        "Domain", "ClickHouse", "ConfigStore", "HTTPAPI", "Ingest", "QueryEngine", "Rollups", "TestSupport", nioCore, logging,
      ],
      swiftSettings: settings),
    .testTarget(name: "IngestTests", dependencies: ["Domain", "ClickHouse", "Ingest", "TestSupport"], swiftSettings: settings),
    .testTarget(name: "ConfigStoreTests", dependencies: ["Domain", "ConfigStore"], swiftSettings: settings),
    .testTarget(name: "AccessTests", dependencies: ["Domain", "ConfigStore", "Access"], swiftSettings: settings),
    .testTarget(name: "DeliveryTests", dependencies: ["Domain", "Delivery"], swiftSettings: settings),
    .testTarget(
      name: "HTTPAPITests",
      dependencies: [
        "Domain", "Access", "ClickHouse", "ConfigStore", "HTTPAPI", "Ingest", "QueryEngine", "TestSupport", asyncHTTPClient, nioCore,
        logging,
      ],
      swiftSettings: settings),
  ]
)
