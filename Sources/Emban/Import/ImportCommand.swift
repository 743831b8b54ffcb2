import ArgumentParser
import AsyncHTTPClient
import ConfigStore
import Domain
import Foundation
import Ingest
import Logging

/// `emban import`: files → events, through the running server, or without one straight into the data directory's stores.
struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Import CSV or NDJSON files as events.",
    discussion: """
      Example: emban import calls.csv --tenant-column customer --event-name api.call --timestamp-column time \
      --string model,region --numeric tokens,latency_ms

      NDJSON lines are events as POST /v1/events takes them, or flat objects mapped by the same flags.
      While a server runs on the data directory, the import goes through it: give --url and --api-key (EMBAN_URL, EMBAN_API_KEY).
      """)

  @Argument(help: "Files to import; - is standard input.") var files: [String]
  @OptionGroup(title: "Columns") var columns: ImportOptions
  @Option(help: "Organization by id or name, without a server (the only one there is).") var organization: String?
  @Option(help: "Environment, without a server (production).") var environment: String = EnvironmentName.production.rawValue
  @Option(help: "Address of a running server, such as http://localhost:8080.") var url: String?
  @Option(help: "An ingest or admin key of that server (better in EMBAN_API_KEY).") var apiKey: String?
  @OptionGroup(title: "Settings") var options: SettingsOptions

  func run() async throws {
    // Every file is opened and its columns are checked before anything is sent.
    for path in files where path != "-" { _ = try source(path) }
    let variables = ProcessInfo.processInfo.environment
    if let url = url ?? variables["EMBAN_URL"] {
      guard let key = apiKey ?? variables["EMBAN_API_KEY"] else {
        throw ValidationError("Give an ingest key with --api-key or in EMBAN_API_KEY.")
      }
      let client = HTTPClient(eventLoopGroupProvider: .singleton)
      do {
        try await importAll(into: HTTPEventSink(client: client, url: url, key: key))
      } catch {
        try? await client.shutdown()
        throw error
      }
      try await client.shutdown()
    } else {
      try await importLocally()
    }
  }

  private func importLocally() async throws {
    var settings = try await options.load()
    // The log would tear the progress bar apart.
    settings.logLevel = max(settings.logLevel, .warning)
    let runtime: Runtime
    do {
      runtime = try Runtime(settings: settings, logger: .make(settings))
    } catch let error as DataDirectory.InUse {
      throw ImportError.sinkFailed(
        reason: "A server is running on the data directory \(error.path): import through it with --url and --api-key.")
    }
    try await runtime.withStores { runtime in
      let scope = try await scope(in: OrganizationRepository(runtime.database))
      try await importAll(into: PipelineSink(runtime.pipeline, scope: scope))
    }
  }

  private func scope(in repository: OrganizationRepository) async throws -> IngestScope {
    let all = try await repository.all()
    let chosen: [Organization]
    if let organization {
      chosen = all.filter { $0.id.rawValue == organization || $0.name == organization }
    } else {
      chosen = all
    }
    guard chosen.count == 1, let owner = chosen.first else {
      throw ImportError.sinkFailed(reason: Self.complaint(organization, all))
    }
    let environments = try await repository.environments(owner.id)
    guard let name = environments.first(where: { $0.rawValue == environment }) else {
      throw ImportError.sinkFailed(
        reason: "--environment must be one of \(environments.map(\.rawValue).joined(separator: ", ")), not '\(environment)'.")
    }
    return IngestScope(organization: owner.id, environment: name)
  }

  private static func complaint(_ wanted: String?, _ all: [Organization]) -> String {
    if all.isEmpty { return "There is no organization yet: start `emban serve` and register with POST /v1/auth/register." }
    let list = all.map { "\($0.name) (\($0.id))" }.joined(separator: ", ")
    return wanted.map { "There is no single organization '\($0)'; there are \(list)." } ?? "Choose an --organization: \(list)."
  }

  private func source(_ path: String) throws -> ImportSource {
    let format = columns.fileFormat(path)
    return try ImportSource(path: path, format: format, mapping: try columns.mapping(for: format))
  }

  private func importAll(into sink: any EventSink) async throws {
    let importer = Importer(sink: sink) { Instant(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))) }
    var accepted = 0
    var rows = 0
    for path in files {
      let name = path == "-" ? "standard input" : URL(filePath: path).lastPathComponent
      var bar = ProgressBar(name: name)
      let summary: ImportSummary
      do {
        summary = try await importer.run(try source(path)) { bar.update($0) }
      } catch {
        bar.clear()
        throw error
      }
      bar.clear()
      rows += summary.rows
      accepted += summary.accepted
      Console.say(Self.report(name, summary, bar))
    }
    if rows > 0, accepted == 0 { throw ExitCode.failure }
  }

  private static func report(_ name: String, _ summary: ImportSummary, _ bar: ProgressBar) -> String {
    let seconds = (bar.elapsed / Duration.seconds(1)).formatted(.number.precision(.fractionLength(1)))
    var lines = [
      "\(name): \(summary.accepted) events stored, \(summary.rejected) rows rejected (\(seconds) s, \(bar.rate(summary.rows)) rows/s)"
    ]
    for reason in summary.reasons {
      let field = reason.field.isEmpty ? "" : " \(reason.field)"
      let more = reason.count > reason.lines.count ? ", …" : ""
      lines.append(
        "  \(reason.count) × \(reason.code.rawValue):\(field) \(reason.expected) (\(reason.count == 1 ? "line" : "lines") \(reason.lines.map(String.init).joined(separator: ", "))\(more))"
      )
    }
    return lines.joined(separator: "\n")
  }
}
