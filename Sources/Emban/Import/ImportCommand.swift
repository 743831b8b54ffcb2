import ArgumentParser
import AsyncHTTPClient
import ClickHouse
import ConfigStore
import Domain
import Foundation
import Ingest
import Logging

/// `emban import`: files → events, through the running server, or without one straight into the data directory's stores.
struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Import CSV, NDJSON or Parquet files as events.",
    discussion: """
      Example: emban import calls.csv --tenant-column customer --event-name api.call --timestamp-column time \
      --string model,region --numeric tokens,latency_ms

      NDJSON lines are events as POST /v1/events takes them, or flat objects mapped by the same flags. What `emban export` wrote needs no \
      flags. Files may be packed with gzip. An import that was interrupted goes on when the same command is given again.
      While a server runs on the data directory, the import goes through it: give --url and --api-key (EMBAN_URL, EMBAN_API_KEY).
      """)

  @Argument(help: "Files to import; - is standard input.") var files: [String]
  @Flag(help: "Begin anew, even where an earlier import of a file was interrupted.") var restart = false
  @Option(
    help: ArgumentHelp(
      "Where it is noted how far an import is (DATA_DIR/imports, with --url ~/.local/state/emban/imports).", valueName: "folder"))
  var stateDir: String?
  @OptionGroup(title: "Columns") var columns: ImportOptions
  @Option(help: "Organization by id or name, without a server (the only one there is).") var organization: String?
  @Option(help: "Environment, without a server (production).") var environment: String = EnvironmentName.production.rawValue
  @Option(help: "Address of a running server, such as http://localhost:8080.") var url: String?
  @Option(help: "An ingest or admin key of that server (better in EMBAN_API_KEY).") var apiKey: String?
  @OptionGroup(title: "Settings") var options: SettingsOptions

  func run() async throws {
    let reader = files.contains { columns.format(of: $0) == .parquet } ? try await parquetReader() : nil
    // Every file is opened and its columns are checked before anything is sent.
    for path in files where path != "-" { _ = try file(path, reader).source() }
    let variables = ProcessInfo.processInfo.environment
    if let url = url ?? variables["EMBAN_URL"] {
      guard let key = apiKey ?? variables["EMBAN_API_KEY"] else {
        throw ValidationError("Give an ingest key with --api-key or in EMBAN_API_KEY.")
      }
      let state = stateDir.map { URL(filePath: $0, directoryHint: .isDirectory) } ?? Self.userState(variables)
      let service = WorkService {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let target = "\(url)\n\(ImportIdentity.digest(key))"
        do {
          try await importAll(into: HTTPEventSink(client: client, url: url, key: key), reader, state, target: target)
        } catch {
          try? await client.shutdown()
          throw error
        }
        try await client.shutdown()
      }
      try await service.runUntilSignal()
    } else {
      try await importLocally(reader)
    }
  }

  private func parquetReader() async throws -> ClickHouseLocal {
    try await ClickHouseLocal.find(setting: try await options.load().clickHouseBinary)
  }

  /// Where programs keep what they need to go on: https://specifications.freedesktop.org/basedir-spec/latest/
  private static func userState(_ variables: [String: String]) -> URL {
    let home = FileManager.default.homeDirectoryForCurrentUser.appending(path: ".local/state")
    let state = variables["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? URL(filePath: $0, directoryHint: .isDirectory) : nil } ?? home
    return state.appending(path: "emban/imports")
  }

  private func importLocally(_ reader: ClickHouseLocal?) async throws {
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
    let state = stateDir.map { URL(filePath: $0, directoryHint: .isDirectory) } ?? settings.dataDirectory.appending(path: "imports")
    try await runtime.withStores { runtime in
      let scope = try await StoreScope.find(
        organization: organization, environment: environment, in: OrganizationRepository(runtime.database))
      let target = "\(scope.organization)\n\(scope.environment)"
      try await importAll(into: PipelineSink(runtime.pipeline, scope: scope), reader, state, target: target)
    }
  }

  private func file(_ path: String, _ reader: ClickHouseLocal?) throws -> ImportFile {
    let name = columns.format(of: path)
    let format: ImportFormat =
      switch (name, reader) {
      case (.ndjson, _): .ndjson
      case (.parquet, let reader?): .parquet(reader)
      default: .csv(delimiter: columns.delimiter(of: name))
      }
    return ImportFile(path: path, format: format, mapping: try columns.mapping())
  }

  private func importAll(into sink: any EventSink, _ reader: ClickHouseLocal?, _ state: URL, target: String) async throws {
    let importer = Importer(sink: sink, now: ImportFile.now)
    var accepted = 0
    var rows = 0
    for path in files {
      let summary = try await file(path, reader).run(importer, state: state, target: target, restart: restart)
      rows += summary.rows
      accepted += summary.accepted
    }
    if rows > 0, accepted == 0 { throw ExitCode.failure }
  }
}
