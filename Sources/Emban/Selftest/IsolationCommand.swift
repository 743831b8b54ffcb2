import ArgumentParser
import AsyncHTTPClient
import ConfigStore
import Domain
import Foundation
import HTTPAPI
import Logging

/// `emban selftest isolation`: the check that publishing runs, on what is published now.
struct IsolationCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "isolation", abstract: "Ask published dashboards as two made-up customers and compare what each sees.",
    discussion: """
      Plants events of two customers that do not exist, asks every widget, filter, drill-down and export as each of them, and removes them \
      again. Ends with 0 when each saw its own events and nothing else, otherwise with 1.

      While a server runs on the data directory, it does the check: give --url and an admin key in EMBAN_API_KEY.
      """)

  @Option(help: "Id or slug of the dashboard (all that are published).") var dashboard: String?
  @Option(help: "Address of a running server, such as http://localhost:8080.") var url: String?
  @Option(help: "The environment variable that holds the server's admin key.") var keyEnv = "EMBAN_API_KEY"
  @OptionGroup(title: "Settings") var options: SettingsOptions

  func run() async throws {
    let outcomes = try await outcomes()
    guard !outcomes.isEmpty else {
      throw ValidationError(dashboard.map { "There is no published dashboard \($0)." } ?? "There is no published dashboard.")
    }
    for outcome in outcomes { Console.say(outcome.table) }
    let failed = outcomes.filter { !$0.ok }.count
    let dashboards = outcomes.count == 1 ? "1 dashboard" : "\(outcomes.count) dashboards"
    Console.say(failed == 0 ? "PASSED: \(dashboards)." : "FAILED: \(failed) of \(dashboards).")
    if failed > 0 { throw ExitCode(1) }
  }

  private func outcomes() async throws -> [IsolationOutcome] {
    guard let url = url ?? ProcessInfo.processInfo.environment["EMBAN_URL"] else { return try await locally() }
    guard let key = ProcessInfo.processInfo.environment[keyEnv], !key.isEmpty else {
      throw ValidationError("Give an admin key of that server in \(keyEnv).")
    }
    let client = HTTPClient(eventLoopGroupProvider: .singleton)
    let outcomes: Result<[IsolationOutcome], any Error>
    do {
      let server = RemoteAPI(client: client, url: url, key: key, command: "selftest")
      outcomes = .success(try await RemoteSelftest(server: server).outcomes(of: dashboard))
    } catch {
      outcomes = .failure(error)
    }
    try? await client.shutdown()
    return try outcomes.get()
  }

  private func locally() async throws -> [IsolationOutcome] {
    var settings = try await options.load()
    settings.logLevel = max(settings.logLevel, .warning)
    guard FileManager.default.fileExists(atPath: settings.configurationStorePath) else {
      let path = settings.dataDirectory.path(percentEncoded: false)
      throw SettingsError(key: "EMBAN_DATA_DIR", expected: "must be the data directory of an emban; there is none at \(path)")
    }
    let runtime: Runtime
    do {
      runtime = try Runtime(settings: settings, logger: .make(settings))
    } catch let error as DataDirectory.InUse {
      throw ValidationError("A server is running on the data directory \(error.path): give --url and an admin key in \(keyEnv).")
    }
    return try await runtime.withStores { runtime in
      let check = IsolationCheck(try runtime.dependencies())
      var outcomes: [IsolationOutcome] = []
      for (organization, version) in try await DashboardRepository(runtime.database).publishedEverywhere(dashboard) {
        let report = try await check.run(version, of: organization, logger: runtime.logger)
        outcomes.append(IsolationOutcome(name: version.name, id: version.dashboardID.rawValue, report: report.json))
      }
      return outcomes
    }
  }
}

/// The report on one dashboard, as the API tells it.
struct IsolationOutcome: Sendable {
  let name: String
  let id: String
  let report: JSONValue

  var ok: Bool { report["ok"] == true }

  /// A line a check: name, customer, rows, verdict.
  var table: String {
    let checks = report["checks"]?.arrayValue ?? []
    let rows = checks.map { check in
      (
        [check["name"], check["tenant"]].map { LineLogHandler.onOneLine($0?.stringValue ?? "") }
          + [check["rows"]?.numberValue.map { String(Int($0)) } ?? ""],
        check["ok"] == true, LineLogHandler.onOneLine(check["detail"]?.stringValue ?? "")
      )
    }
    let widths = (0..<3).map { column in (rows.map { $0.0[column].count } + [["check", "customer", "rows"][column].count]).max() ?? 0 }
    func line(_ cells: [String], _ verdict: String) -> String {
      let padded = zip(cells, widths).enumerated().map { index, cell in
        let padding = String(repeating: " ", count: cell.1 - cell.0.count)
        return index == 2 ? padding + cell.0 : cell.0 + padding
      }
      return padded.joined(separator: "  ") + "  " + verdict
    }
    let milliseconds = report["elapsed_ms"]?.numberValue.map { " in \(Int($0)) ms" } ?? ""
    let head = "\(LineLogHandler.onOneLine(name)) (\(id)): \(ok ? "ok" : "FAILED"), \(checks.count) checks\(milliseconds)"
    let body = rows.map { cells, ok, detail in
      line(cells, (ok ? "ok" : "FAILED") + (detail.isEmpty ? "" : ": \(detail)"))
    }
    return ([head] + (rows.isEmpty ? [] : [line(["check", "customer", "rows"], "verdict")]) + body).joined(separator: "\n") + "\n"
  }
}
