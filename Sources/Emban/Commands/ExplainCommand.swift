import Access
import ArgumentParser
import ClickHouse
import ConfigStore
import Domain
import Foundation
import QueryEngine

/// Shows the SQL behind a published dashboard, beside a running server: what each widget asks the event store for a tenant.
struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Print the SQL and bound values of a published dashboard's widgets, as JSON.")

  @Argument(help: "The dashboard's id.") var dashboard: String
  @Option(help: "The customer whose view is explained.") var tenant: String
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
    let planner = Planner(scope: scope, dashboard: config)
    var widgets: [String: JSONValue] = [:]
    for widget in config.widgets {
      guard let query = widget.query else { continue }
      let plan = try planner.plan(query, kind: widget.kind)
      widgets[widget.id] = .array(plan.statements.map(\.sql.json))
    }
    var members: [String: JSONValue] = [
      "widgets": .object(widgets),
      "settings": [
        "SQL_emban_org": .string(owner.rawValue), "SQL_emban_env": .string(scope.environment.rawValue),
        "SQL_emban_tenant": .string(tenant),
      ],
    ]
    if withCredentials {
      members["clickhouse"] = [
        "url": .optional(ClickHouseSupervisor.address(dataDirectory: path)), "user": "emban_viewer",
        "password": .string(
          Runtime.viewerPassword(try SecretKey.load(value: settings.secretKey, dataDirectory: path))),
      ]
    }
    try await database.close()
    Console.say(JSONValue.object(members).serialized())
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
