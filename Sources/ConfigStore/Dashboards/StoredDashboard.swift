public import Domain

/// A dashboard's draft and its state of publication.
public struct StoredDashboard: Sendable, Hashable {
  public let id: DashboardID
  public let organizationID: OrganizationID
  /// Unique within the organisation.
  public let slug: String
  public let name: String
  /// The draft in the contract's form; its `name` and `slug` are those of the dashboard.
  public let config: JSONValue
  /// 1 for a new dashboard, one more with every change of the draft.
  public let revision: Int
  public let createdAt: Instant
  /// The user or key that made it.
  public let createdBy: String
  public let updatedAt: Instant
  public let updatedBy: String
  /// The number of the newest snapshot; 0 before the first publication.
  public let lastVersion: Int
  /// The snapshot that embeds show; nil while the dashboard is offline.
  public let publishedVersion: Int?

  /// The refusal of a change that expected another revision: 409 with the present `revision` in the body.
  public var revisionConflict: AppError {
    var error = AppError.conflict("revision_conflict", "Somebody else saved this dashboard first. Load it again, then repeat your change.")
    error.extra = ["revision": .int(revision)]
    return error
  }

  static let columns: Statement = """
    id, org_id, slug, name, config, revision, created_at, created_by, updated_at, updated_by, last_version, published_version
    """

  init(row: Row) throws {
    id = try row.id("id")
    organizationID = try row.id("org_id")
    slug = try row.text("slug")
    name = try row.text("name")
    config = try row.json("config").naming(name, slug: slug)
    revision = try row.integer("revision")
    createdAt = try row.instant("created_at")
    createdBy = try row.text("created_by")
    updatedAt = try row.instant("updated_at")
    updatedBy = try row.text("updated_by")
    lastVersion = try row.integer("last_version")
    publishedVersion = try row.optionalInteger("published_version").map { Int($0) }
  }
}

/// An immutable snapshot of a draft.
public struct DashboardVersion: Sendable, Hashable {
  public let dashboardID: DashboardID
  /// 1 for the first publication of the dashboard.
  public let version: Int
  /// The dashboard's slug of today: addresses follow the dashboard, not the snapshot.
  public let slug: String
  public let name: String
  /// The configuration as it was published; its `slug` is the dashboard's of today.
  public let config: JSONValue
  /// The revision of the draft that was published.
  public let revision: Int
  public let publishedAt: Instant
  public let publishedBy: String

  /// What publishing a draft would freeze: the next version, which is stored nowhere.
  public init(draft: StoredDashboard, at now: Instant, by actor: String) {
    dashboardID = draft.id
    version = draft.lastVersion + 1
    slug = draft.slug
    name = draft.name
    config = draft.config
    revision = draft.revision
    publishedAt = now
    publishedBy = actor
  }

  static let columns: Statement = """
    v.dashboard_id, v.version, d.slug, v.name, v.config, v.revision, v.published_at, v.published_by
    """

  init(row: Row) throws {
    dashboardID = try row.id("dashboard_id")
    version = try row.integer("version")
    slug = try row.text("slug")
    name = try row.text("name")
    config = try row.json("config").naming(name, slug: slug)
    revision = try row.integer("revision")
    publishedAt = try row.instant("published_at")
    publishedBy = try row.text("published_by")
  }
}

extension JSONValue {
  /// The columns are the truth about name and slug; the configuration repeats them for whoever reads it alone.
  fileprivate func naming(_ name: String, slug: String) -> JSONValue {
    guard case .object(var members) = self else { return self }
    members["name"] = .string(name)
    members["slug"] = .string(slug)
    return .object(members)
  }
}
