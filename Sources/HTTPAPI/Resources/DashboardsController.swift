import Access
import ConfigStore
import Domain
import HTTPTypes
import Hummingbird

/// `/v1/dashboards`: drafts, their publication, and the snapshots. Wherever an id is taken, the slug is too.
struct DashboardsController: Controller {
  let repository: DashboardRepository
  let organizations: OrganizationRepository
  let audit: AuditLog
  let isolation: IsolationCheck
  let clock: TimeSource

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/dashboards", .read, list),
      Endpoint(.post, "/v1/dashboards", .edit, create),
      Endpoint(.get, "/v1/dashboards/:id", .read, get),
      Endpoint(.put, "/v1/dashboards/:id", .edit, replace),
      Endpoint(.patch, "/v1/dashboards/:id", .edit, patch),
      Endpoint(.delete, "/v1/dashboards/:id", .admin, delete),
      Endpoint(.post, "/v1/dashboards/:id/publish", .admin, publish),
      Endpoint(.post, "/v1/dashboards/:id/unpublish", .admin, unpublish),
      Endpoint(.post, "/v1/dashboards/:id/selftest", .admin, selftest),
      Endpoint(.post, "/v1/dashboards/:id/restore", .edit, restore),
      Endpoint(.post, "/v1/dashboards/:id/duplicate", .edit, duplicate),
      Endpoint(.get, "/v1/dashboards/:id/versions", .read, versions),
      Endpoint(.get, "/v1/dashboards/:id/versions/:version", .read, version),
    ]
  }

  // MARK: - Drafts

  private func list(_ request: APIRequest) async throws -> Response {
    let page = try request.page()
    let dashboards = try await repository.list(
      try request.account().organization, try PageRequest(limit: page.limit, cursor: page.cursor))
    return .page(dashboards.items.map(\.summary), nextCursor: dashboards.nextCursor)
  }

  private func create(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let body = try await request.json()
    var config = try Self.config(body)
    if let organization = try await organizations.get(account.organization) { config = organization.begin(config, saying: body) }
    let dashboard = try await repository.create(config, for: account, at: clock())
    try await audit.record(
      "dashboard.create", "dashboard", dashboard.id.rawValue, by: account, from: request, after: dashboard.summary)
    return Self.response(dashboard, status: .created)
  }

  private func get(_ request: APIRequest) async throws -> Response {
    Self.response(try await find(request))
  }

  private func replace(_ request: APIRequest) async throws -> Response {
    let body = try await request.json()
    let dashboard = try await find(request)
    return try await save(try Self.config(body, of: dashboard), dashboard, request, expecting: try request.expectedRevision())
  }

  /// Replaces the members that the body names, and leaves the others as they are.
  private func patch(_ request: APIRequest) async throws -> Response {
    let dashboard = try await find(request)
    guard case .object(let changes) = try await request.json() else {
      throw AppError.invalid("", "wrong_type", "must be an object with the members to change")
    }
    var members = dashboard.config.objectValue ?? [:]
    for (key, value) in changes { members[key] = value }
    // The members that are left as they are were read just now: they must still be so when this is stored.
    return try await save(
      try Self.config(.object(members), of: dashboard), dashboard, request, expecting: try request.expectedRevision() ?? dashboard.revision)
  }

  private func save(
    _ config: DashboardConfig, _ dashboard: StoredDashboard, _ request: APIRequest, expecting revision: Int?
  ) async throws -> Response {
    let account = try request.account()
    var config = config
    config.slug = config.slug ?? dashboard.slug
    let saved = try await repository.update(
      account.organization, dashboard.id.rawValue, slug: config.slug ?? dashboard.slug, name: config.name, config: config.json,
      expecting: revision, by: account.actor, at: clock())
    try await audit.record(
      "dashboard.update", "dashboard", saved.id.rawValue, by: account, from: request, before: dashboard.summary,
      after: saved.summary)
    return Self.response(saved)
  }

  private func delete(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let dashboard = try await find(request)
    try await repository.delete(
      account.organization, dashboard.id.rawValue, expecting: try request.expectedRevision())
    try await audit.record(
      "dashboard.delete", "dashboard", dashboard.id.rawValue, by: account, from: request, before: dashboard.summary)
    return .noContent()
  }

  private func duplicate(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let copy = try await repository.duplicate(
      account.organization, try request.parameter("id"), by: account.actor, at: clock())
    try await audit.record(
      "dashboard.duplicate", "dashboard", copy.id.rawValue, by: account, from: request, after: copy.summary)
    return Self.response(copy, status: .created)
  }

  // MARK: - Publication

  /// Puts the draft online, after the check that its viewers see nothing of each other.
  private func publish(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let expected = try request.expectedRevision()
    var attempts = 3
    while true {
      attempts -= 1
      let draft = try await find(request)
      if let expected, expected != draft.revision { throw draft.revisionConflict }
      let report = try await isolation.run(
        DashboardVersion(draft: draft, at: clock(), by: account.actor), of: account.organization, logger: request.context.logger)
      if let refusal = report.refusal {
        try await audit.record(
          "dashboard.publish_refused", "dashboard", draft.id.rawValue, by: account, from: request, after: ["revision": .int(draft.revision)]
        )
        throw refusal
      }
      do {
        // Only what was checked goes online.
        let version = try await repository.publish(
          account.organization, draft.id.rawValue, expecting: draft.revision, by: account.actor, at: clock())
        let id = version.dashboardID.rawValue
        try await audit.record(
          "dashboard.publish", "dashboard", id, by: account, from: request, after: ["version": .int(version.version)])
        return Response(status: .noContent, headers: [.location: "/v1/dashboards/\(id)/versions/\(version.version)"])
      } catch let error as AppError where error.code == "revision_conflict" && expected == nil && attempts > 0 {
        // Somebody saved meanwhile, and the caller wants whatever is the draft: that is then checked as well.
        continue
      }
    }
  }

  /// Runs the check on what embeds show, or on the draft of a dashboard that is offline.
  private func selftest(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let dashboard = try await find(request)
    let snapshot =
      try await repository.published(account.organization, dashboard.id.rawValue)
      ?? DashboardVersion(draft: dashboard, at: clock(), by: account.actor)
    let report = try await isolation.run(snapshot, of: account.organization, logger: request.context.logger)
    try await audit.record(
      "dashboard.selftest", "dashboard", dashboard.id.rawValue, by: account, from: request, after: ["ok": .bool(report.ok)])
    return .json(report.json)
  }

  private func unpublish(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let dashboard = try await repository.unpublish(account.organization, try request.parameter("id"))
    try await audit.record("dashboard.unpublish", "dashboard", dashboard.id.rawValue, by: account, from: request)
    return .noContent()
  }

  private func restore(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let version = try APIRequest.read(try await request.optionalJSON()) { $0.int("version", in: 1...1_000_000_000) }
    let dashboard = try await repository.restore(
      account.organization, try request.parameter("id"), version: version, expecting: try request.expectedRevision(),
      by: account.actor, at: clock())
    try await audit.record(
      "dashboard.restore", "dashboard", dashboard.id.rawValue, by: account, from: request, after: dashboard.summary)
    return Self.response(dashboard)
  }

  private func versions(_ request: APIRequest) async throws -> Response {
    let page = try request.page()
    let dashboard = try await find(request)
    let versions = try await repository.versions(
      dashboard.organizationID, dashboard.id.rawValue, try PageRequest(limit: page.limit, cursor: page.cursor))
    return .page(versions.items.map { $0.json(current: dashboard.publishedVersion, full: false) }, nextCursor: versions.nextCursor)
  }

  private func version(_ request: APIRequest) async throws -> Response {
    let dashboard = try await find(request)
    guard let number = Int(try request.parameter("version")),
      let version = try await repository.version(dashboard.organizationID, dashboard.id.rawValue, number)
    else { throw AppError.notFound("The dashboard has no such version.", code: "version_not_found") }
    return .json(version.json(current: dashboard.publishedVersion, full: true))
  }

  // MARK: - Shared

  /// What an answer adds to the configuration. It may come back with a change and is left out then, so that whoever has read a dashboard
  /// can send it back as it is.
  private static let added = [
    "id", "status", "revision", "published_version", "last_version", "created_at", "created_by", "updated_at", "updated_by",
  ]

  private static func config(_ body: JSONValue, of dashboard: StoredDashboard? = nil) throws(AppError) -> DashboardConfig {
    guard case .object(var members) = body else { return try DashboardConfig.read(body) }
    if let dashboard, let id = members["id"], id != .string(dashboard.id.rawValue) {
      throw .invalid("id", "wrong_dashboard", "must be the id of the dashboard at this address, or absent")
    }
    for key in added { members.removeValue(forKey: key) }
    return try DashboardConfig.read(.object(members))
  }

  private func find(_ request: APIRequest) async throws -> StoredDashboard {
    guard let dashboard = try await repository.get(try request.account().organization, try request.parameter("id")) else {
      throw AppError.notFound("There is no such dashboard.", code: "dashboard_not_found")
    }
    return dashboard
  }

  static func response(_ dashboard: StoredDashboard, status: HTTPResponse.Status = .ok) -> Response {
    .json(dashboard.json, status: status, headers: [.eTag: "\"\(dashboard.revision)\""])
  }
}

extension APIRequest {
  /// The draft's revision that `If-Match` names; nil when the header is absent or `*`.
  /// - Throws: ``AppError`` 422 for a header that is no revision.
  func expectedRevision() throws -> Int? {
    guard let header = header(.ifMatch), header != "*" else { return nil }
    var text = header[...]
    if text.hasPrefix("W/") { text = text.dropFirst(2) }
    guard let revision = Int(text.trimmingPrefix("\"").prefix(while: { $0 != "\"" })) else {
      throw AppError.invalid("If-Match", "revision", "must be the revision of the draft, as in the ETag of its answer")
    }
    return revision
  }
}

extension DashboardRepository {
  /// Stores a new draft; where the config names no slug, the first free one made of its name is taken.
  func create(_ config: DashboardConfig, for account: Account, at now: Instant) async throws -> StoredDashboard {
    let stem = config.slug ?? Slug.make(from: config.name)
    for attempt in 1...100 {
      var candidate = config
      candidate.slug = attempt == 1 ? stem : "\(stem.prefix(Limits.slugLength - 4))-\(attempt)"
      do {
        return try await create(
          account.organization, slug: candidate.slug ?? stem, name: config.name, config: candidate.json, by: account.actor, at: now)
      } catch let error as AppError where error.code == "slug_taken" && config.slug == nil { continue }
    }
    throw AppError.conflict("slug_taken", "There are too many dashboards of this name; give this one a slug of its own.")
  }
}

extension StoredDashboard {
  /// `draft` before the first publication, `published` while embeds show it, `unpublished` after it was taken offline.
  var status: String { publishedVersion != nil ? "published" : lastVersion > 0 ? "unpublished" : "draft" }

  private var members: [String: JSONValue] {
    [
      "id": .string(id.rawValue), "name": .string(name), "slug": .string(slug), "status": .string(status), "revision": .int(revision),
      "published_version": publishedVersion.map(JSONValue.int) ?? .null, "last_version": .int(lastVersion),
      "created_at": createdAt.json, "created_by": .string(createdBy), "updated_at": updatedAt.json,
      "updated_by": .string(updatedBy),
    ]
  }

  /// Without the configuration, as lists and the audit log show it.
  var summary: JSONValue { .object(members) }

  /// With the draft's configuration.
  var json: JSONValue { .object((config.objectValue ?? [:]).merging(members) { $1 }) }
}

extension DashboardVersion {
  func json(current: Int?, full: Bool) -> JSONValue {
    var members: [String: JSONValue] = [
      "dashboard_id": .string(dashboardID.rawValue), "version": .int(version), "name": .string(name), "revision": .int(revision),
      "published_at": publishedAt.json, "published_by": .string(publishedBy), "live": .bool(current == version),
    ]
    if full { members["config"] = config }
    return .object(members)
  }
}
