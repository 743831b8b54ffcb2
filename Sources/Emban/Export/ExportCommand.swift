import ArgumentParser
import AsyncHTTPClient
import ConfigStore
import Domain
import Foundation
import HTTPAPI
import Ingest
import Logging
import NIOCore
import NIOHTTP1
import QueryEngine

/// `emban export`: a customer's events → a file, through the running server, or without one straight from the data directory's stores.
struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write a customer's events into a file that `emban import` takes back.",
    discussion: """
      Example: emban export --tenant acme --from 2026-01-01 --output acme.parquet

      While a server runs on the data directory, the export goes through it: give --url and --api-key (EMBAN_URL, EMBAN_API_KEY).
      """)

  @Option(help: "Whose events.") var tenant: String
  @Option(help: ArgumentHelp("Only events of this name.", valueName: "name")) var event: String?
  @Option(help: ArgumentHelp("From this moment on: ISO 8601, or a day in UTC.", valueName: "time")) var from: String?
  @Option(help: ArgumentHelp("Before this moment: ISO 8601, or a day in UTC.", valueName: "time")) var to: String?
  @Option(help: "ndjson, csv or parquet (by the file's name; ndjson).") var format: FormatName?
  @Option(help: ArgumentHelp("The file to write; - is standard output.", valueName: "file")) var output: String = "-"
  @Flag(help: "Replace the file if it is there.") var force = false
  @Option(help: "Organization by id or name, without a server (the only one there is).") var organization: String?
  @Option(help: "Environment, without a server (production).") var environment: String = EnvironmentName.production.rawValue
  @Option(help: "Address of a running server, such as http://localhost:8080.") var url: String?
  @Option(help: "An admin key of that server (better in EMBAN_API_KEY).") var apiKey: String?
  @OptionGroup(title: "Settings") var options: SettingsOptions

  enum FormatName: String, ExpressibleByArgument, CaseIterable {
    case ndjson, csv, parquet
  }

  func validate() throws {
    for (flag, text) in [("--from", from), ("--to", to)] where text != nil && Self.moment(text) == nil {
      throw ValidationError("\(flag) must be a day such as 2026-01-01, or a time with a zone such as 2026-01-01T00:00:00Z.")
    }
    if let start = Self.moment(from), let end = Self.moment(to), end <= start { throw ValidationError("--to must be after --from.") }
  }

  func run() async throws {
    let file = try ExportFile(path: output, replacing: force)
    let variables = ProcessInfo.processInfo.environment
    let events: Int
    do {
      if let url = url ?? variables["EMBAN_URL"] {
        guard let key = apiKey ?? variables["EMBAN_API_KEY"] else {
          throw ValidationError("Give an admin key with --api-key or in EMBAN_API_KEY.")
        }
        events = try await WorkService { try await fetch(url, key, into: file) }.runUntilSignal()
      } else {
        events = try await exportLocally(into: file)
      }
      try file.finish()
    } catch {
      file.discard()
      throw error is CancellationError ? ExitCode(130) : error
    }
    Console.complain("\(events) events, \(file.bytes) bytes\(output == "-" ? "" : " in \(output)")")
  }

  private var chosenFormat: EventExport.Format {
    switch format {
    case .ndjson: return .ndjson
    case .csv: return .csv
    case .parquet: return .parquet
    case nil: break
    }
    let name = output.lowercased()
    if name.hasSuffix(".parquet") || name.hasSuffix(".pq") { return .parquet }
    return name.hasSuffix(".csv") ? .csv : .ndjson
  }

  private static func moment(_ text: String?) -> Instant? {
    text.flatMap { Instant(iso8601: $0) ?? CivilDate(iso8601: $0)?.midnightUTC }
  }

  private func exportLocally(into file: ExportFile) async throws -> Int {
    var settings = try await options.load()
    settings.logLevel = max(settings.logLevel, .warning)
    let runtime: Runtime
    do {
      runtime = try Runtime(settings: settings, logger: .make(settings))
    } catch let error as DataDirectory.InUse {
      throw ImportError.sinkFailed(
        reason: "A server is running on the data directory \(error.path): export through it with --url and --api-key.")
    }
    return try await runtime.withStores { runtime in
      let scope = try await StoreScope.find(
        organization: organization, environment: environment, in: OrganizationRepository(runtime.database))
      let export = try EventExport(
        organization: scope.organization, environment: scope.environment, tenant: TenantID(tenant), format: chosenFormat, eventName: event,
        from: Self.moment(from), to: Self.moment(to), now: runtime.clock())
      let (events, parts) = try await runtime.exporter.run(export)
      for try await part in parts { try file.write(part) }
      return events
    }
  }

  /// Through `GET /v1/tenants/{tenant_id}/events`.
  private func fetch(_ url: String, _ key: String, into file: ExportFile) async throws -> Int {
    let client = HTTPClient(eventLoopGroupProvider: .singleton)
    do {
      let events = try await fetch(url, key, client, into: file)
      try await client.shutdown()
      return events
    } catch {
      try? await client.shutdown()
      throw error
    }
  }

  private func fetch(_ url: String, _ key: String, _ client: HTTPClient, into file: ExportFile) async throws -> Int {
    var query = ["format": chosenFormat.rawValue]
    query["event_name"] = event
    query["from"] = Self.moment(from)?.iso8601
    query["to"] = Self.moment(to)?.iso8601
    let base = url.hasSuffix("/") ? String(url.dropLast()) : url
    let parameters = query.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.escaped($0.value))" }.joined(separator: "&")
    var request = HTTPClientRequest(url: "\(base)/v1/tenants/\(Self.escaped(tenant))/events?\(parameters)")
    request.headers = ["Authorization": "Bearer \(key)", "User-Agent": "emban-export"]
    do {
      let response = try await client.execute(request, timeout: .seconds(90))
      guard response.status == .ok else {
        let body = try await response.body.collect(upTo: 1 << 20)
        let message = (try? JSONParser.parse(Array(body.readableBytesView)))?["message"]?.stringValue ?? "no explanation"
        throw ImportError.sinkFailed(reason: "the server answered \(response.status.code): \(message)")
      }
      for try await part in response.body { try file.write(part) }
      return response.headers.first(name: "X-Emban-Events").flatMap { Int($0) } ?? 0
    } catch let error where !(error is ImportError || error is CancellationError || error is ExportFile.Failure) {
      try Task.checkCancellation()
      let cause = (error as? HTTPClientError)?.shortDescription ?? "it broke off"
      throw ImportError.sinkFailed(reason: "the connection to \(base) failed (\(cause)); nothing was kept of the file")
    }
  }

  private static func escaped(_ text: String) -> String {
    let unreserved = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
    return text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? text
  }
}
