import Access
import ConfigStore
import Domain
import Hummingbird

/// `/v1/data-apps`: named groups of dashboards, of which a guest token opens one group.
struct DataAppsController: Controller {
  let repository: DataAppRepository
  let audit: AuditLog
  let clock: TimeSource

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/data-apps", .admin, list),
      Endpoint(.post, "/v1/data-apps", .admin, create),
      Endpoint(.get, "/v1/data-apps/:name", .admin, get),
      Endpoint(.patch, "/v1/data-apps/:name", .admin, update),
      Endpoint(.delete, "/v1/data-apps/:name", .admin, delete),
    ]
  }

  private func list(_ request: APIRequest) async throws -> Response {
    let page = try request.page()
    let apps = try await repository.list(try request.account().organization, try PageRequest(limit: page.limit, cursor: page.cursor))
    return .page(apps.items.map(\.json), nextCursor: apps.nextCursor)
  }

  private func create(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let (name, dashboards) = try await request.readBody { reader in
      if !reader.has("dashboards") { reader.problem("dashboards", "missing", "is required and must be an array of ids or slugs") }
      _ = reader.has("name") ? nil : reader.requiredString("name")
      return (reader.dataAppName("name"), reader.dashboards())
    }
    let app = try await repository.create(
      account.organization, name: name ?? "", dashboards: dashboards ?? [], by: account.actor, at: clock())
    try await audit.record("data_app.create", "data_app", app.id.rawValue, by: account, from: request, after: app.summary)
    return .json(app.json, status: .created)
  }

  private func get(_ request: APIRequest) async throws -> Response {
    guard let app = try await repository.get(try request.account().organization, name: try request.parameter("name")) else {
      throw AppError.notFound("There is no data app of this name.", code: "data_app_not_found")
    }
    return .json(app.json)
  }

  private func update(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let (name, dashboards) = try await request.readBody { ($0.dataAppName("name"), $0.dashboards()) }
    let (before, after) = try await repository.update(
      account.organization, name: try request.parameter("name"), to: name, dashboards: dashboards, by: account.actor, at: clock())
    try await audit.record(
      "data_app.update", "data_app", after.id.rawValue, by: account, from: request, before: before.summary, after: after.summary)
    return .json(after.json)
  }

  private func delete(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let app = try await repository.delete(account.organization, name: try request.parameter("name"))
    try await audit.record("data_app.delete", "data_app", app.id.rawValue, by: account, from: request, before: app.summary)
    return .noContent()
  }
}

extension DataApp {
  /// As the audit log keeps it.
  fileprivate var summary: JSONValue { ["name": .string(name), "dashboards": .strings(dashboards.map(\.id.rawValue))] }

  fileprivate var json: JSONValue {
    [
      "name": .string(name), "dashboards": .array(dashboards.map(\.json)), "created_at": createdAt.json, "created_by": .string(createdBy),
      "updated_at": updatedAt.json, "updated_by": .string(updatedBy),
    ]
  }
}

extension DataApp.Member {
  fileprivate var json: JSONValue {
    [
      "id": .string(id.rawValue), "slug": .string(slug), "name": .string(name),
      "status": .string(isPublished ? "published" : lastVersion > 0 ? "unpublished" : "draft"),
    ]
  }
}

extension ObjectReader {
  /// The name of a data app, which also stands in addresses.
  fileprivate mutating func dataAppName(_ key: String) -> String? {
    guard let name = string(key, length: 1...Limits.dataAppNameLength) else { return nil }
    let hasControls = name.unicodeScalars.contains { $0.value < 0x20 || 0x7F...0x9F ~= $0.value }
    guard !hasControls, !name.hasPrefix(" "), !name.hasSuffix(" "), name != ".", name != ".." else {
      problem(key, "data_app_name", "must be a name without control characters and without spaces at its ends")
      return nil
    }
    return name
  }

  fileprivate mutating func dashboards() -> [String]? {
    strings("dashboards", count: 1...Limits.dashboardsPerDataApp, length: 1...Limits.slugLength)
  }
}
