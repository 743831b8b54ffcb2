// swift-tools-version: 6.2
import PackageDescription

// In a project of your own: .package(url: "https://github.com/…/emban", exact: "0.1.0") in place of the path.
let package = Package(
  name: "emban-example",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "emban", path: "../.."),
    .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
  ],
  targets: [
    .executableTarget(
      name: "App",
      dependencies: [
        .product(name: "EmbanClient", package: "emban"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Logging", package: "swift-log"),
      ])
  ]
)
