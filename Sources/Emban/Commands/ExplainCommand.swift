import Access
import ArgumentParser
import AsyncHTTPClient
import ClickHouse
import ConfigStore
import Domain
import Foundation
import Logging
import QueryEngine

/// Shows the SQL behind a published dashboard, beside a running server: what it asks the event store for a tenant, widget by widget and as
/// a whole.
struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Print the SQL and bound values of a published dashboard's widgets, as JSON.",
    discussion: """
      `widgets` has what every widget asks when it is asked for alone, `view` the statements that answer the whole dashboard: each names the \
      widgets it serves and whether it reads events or rollups. Rollups are chosen by what the running server has of the tenant; without one, \
      and with --raw, everything is asked from the events.
      """)

  @Argument(help: "The dashboard's id.") var dashboard: String
  @Option(help: "The customer whose view is explained.") var tenant: String
  @Flag(help: "Every widget by itself and from the events: without rollups and shared scans.") var raw = false
  @Flag(help: "Also print where the own ClickHouse listens and the password of its read-only user.") var withCredentials = false
  @OptionGroup var options: SettingsOptions

  func run() async throws {
    let settings = try await options.load()
    let path = settings.dataDirectory.path(percentEncoded: false)
    guard FileManager.default.fileExists(atPath: settings.configurationStorePath) else {
      throw SettingsError(key: "EMBAN_DATA_DIR", expected: "must be the data directory of an emban; there is none at \(path)")
    }
    let database = try SQLiteDatabase(path: settings.configurationStorePath)
    let repository = DashboardRepository(database)
    guard let owner = try await repository.owner(of: DashboardID(dashboard)),
      let version = try await repository.published(owner, dashboard)
    else { throw AppError.notFound("There is no published dashboard \(dashboard).") }
    let config = try DashboardConfig.read(version.config)
    let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    let scope = try Scope(
      organization: owner, environment: .production, tenant: TenantID(tenant), permissions: EmbedPermissions(), now: now,
      zone: try config.timezone.map { try Zone($0) } ?? .utc)
    let address =
      try settings.clickHouseURL.map { try ClickHouseEndpoint(parsing: $0).url } ?? ClickHouseSupervisor.address(dataDirectory: path)
    let secretKey = try SecretKey.load(value: settings.secretKey, dataDirectory: path)
    let passwords = Runtime.readerPasswords(secretKey)

    let data = raw ? nil : await tenantData(of: scope, at: address, passwords)
    let planner = Planner(scope: scope, dashboard: config, tenantData: data)
    let plans = try config.widgets.compactMap { widget in
      try widget.query.map { (id: widget.id, plan: try planner.plan($0, kind: widget.kind)) }
    }
    var members: [String: JSONValue] = [
      "widgets": .object(Dictionary(plans.map { ($0.id, .array($0.plan.statements.map(\.sql.json))) }, uniquingKeysWith: { $1 })),
      "settings": [
        "SQL_emban_org": .string(owner.rawValue), "SQL_emban_env": .string(scope.environment.rawValue),
        "SQL_emban_tenant": .string(tenant),
      ],
    ]
    if !raw {
      let view = ViewPlan(plans.map(\.plan), data: data)
      members["view"] = .array(view.steps.map { json(of: $0, plans) })
    }
    if withCredentials {
      members["clickhouse"] = ["url": .optional(address), "user": "emban_viewer", "password": .string(Runtime.viewerPassword(secretKey))]
    }
    try await database.close()
    Console.say(JSONValue.object(members).serialized())
  }

  private func json(of step: ViewPlan.Step, _ plans: [(id: String, plan: Plan)]) -> JSONValue {
    let statements = step.statement.map { [$0] } ?? step.widgets.flatMap { plans[$0].plan.statements }
    let readsRollups = statements.contains { $0.sql.text.contains("`emban`.`rollups`") }
    return [
      "widgets": .strings(step.widgets.map { plans[$0].id }), "source": .string(readsRollups ? "rollups" : "events"),
      "statements": .array(statements.map(\.sql.json)),
    ]
  }

  /// What the event store knows of the tenant; nil when it does not answer.
  private func tenantData(of scope: Scope, at address: String?, _ passwords: ReaderPasswords) async -> TenantData? {
    guard let address else { return nil }
    let httpClient = ClickHouseClient.makeHTTPClient()
    let client = ClickHouseClient(httpClient: httpClient, passwords: passwords, logger: Logger(label: "emban.explain")) {
      // Only readers are asked as, who have passwords of their own.
      ClickHouseEndpoint(url: address, user: "", password: "")
    }
    let executor = Executor { sql, role in try await client.query(sql, as: role, timeout: .seconds(10)) }
    let data = try? await executor.run(TenantDataPlan(scope: scope))
    try? await httpClient.shutdown()
    return data
  }
}

extension SQL {
  /// The statement's text and its values by name, as ClickHouse's HTTP interface takes them.
  fileprivate var json: JSONValue {
    [
      "sql": .string(text),
      "parameters": .object(Dictionary(parameters.map { ($0.name, .string($0.value)) }, uniquingKeysWith: { $1 })),
    ]
  }
}
