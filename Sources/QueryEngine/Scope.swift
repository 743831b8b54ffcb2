public import ClickHouse
public import Domain

/// Whose events may be seen, and how far: the first argument of everything that makes SQL. There is no way to plan a query
/// without one, and ``EventsSource`` adds its conditions to every reference of the events.
public struct Scope: Sendable, Hashable {
  public enum Tenant: Sendable, Hashable {
    /// The rows of one customer.
    case one(TenantID)
    /// The rows of all customers of the organisation: for its own people and keys, never for a viewer.
    case all
  }

  public let organization: OrganizationID
  public let environment: EnvironmentName
  public let tenant: Tenant
  /// Values per dimension of which one must match; ANDed in everywhere.
  public let lockedFilters: [LockedFilter]
  /// The periods a viewer may choose; nil means all.
  public let allowedPeriods: [Period]?
  /// How many days back and how long a time range that a viewer chooses may be; 0 means no limit.
  public let maxDateRangeDays: Int
  /// The dimensions and numeric properties a viewer may filter and drill by; nil means all.
  public let allowedDimensions: Set<ExactText>?
  public let now: Instant
  public let zone: Zone

  public struct LockedFilter: Sendable, Hashable {
    public let dimension: Dimension
    /// Nothing matches none.
    public let values: [String]

    public init(dimension: Dimension, values: [String]) {
      self.dimension = dimension
      self.values = values
    }
  }

  /// - Throws: ``AppError`` 403 `scope_incomplete` when the organisation, environment or tenant is empty: an empty name would
  ///   not be a narrow scope but none.
  public init(
    organization: OrganizationID, environment: EnvironmentName, tenant: Tenant, lockedFilters: [String: [String]] = [:],
    fixedFilters: [LockedFilter] = [], allowedPeriods: [Period]? = nil, maxDateRangeDays: Int = 0, allowedDimensions: [String]? = nil,
    now: Instant, zone: Zone
  ) throws(AppError) {
    if organization.rawValue.isEmpty || environment.rawValue.isEmpty || tenant == .one(TenantID("")) {
      throw .forbidden("scope_incomplete", "The credential does not say whose data it opens.")
    }
    self.organization = organization
    self.environment = environment
    self.tenant = tenant
    self.lockedFilters =
      lockedFilters.sorted { $0.key < $1.key }.map { LockedFilter(dimension: Dimension($0.key), values: $0.value) } + fixedFilters
    self.allowedPeriods = allowedPeriods
    self.maxDateRangeDays = maxDateRangeDays
    self.allowedDimensions = allowedDimensions.map { Set($0.map { ExactText($0) }) }
    self.now = now
    self.zone = zone
  }

  /// The scope of an embed session's viewer.
  /// - Parameter fixedFilters: what the dashboard asks of the session's context; no value where that does not tell.
  public init(
    organization: OrganizationID, environment: EnvironmentName, tenant: TenantID, permissions: EmbedPermissions,
    fixedFilters: [LockedFilter] = [], now: Instant, zone: Zone
  ) throws(AppError) {
    try self.init(
      organization: organization, environment: environment, tenant: .one(tenant), lockedFilters: permissions.lockedFilters,
      fixedFilters: fixedFilters,
      allowedPeriods: permissions.allowedPeriods, maxDateRangeDays: permissions.maxDateRangeDays,
      allowedDimensions: permissions.allowedDimensions, now: now, zone: zone)
  }

  public func allows(_ name: String) -> Bool { allowedDimensions?.contains(ExactText(name)) ?? true }
  public func allows(_ dimension: Dimension) -> Bool { allows(dimension.name) }

  /// As whom the statements of this scope run: the database's own row policies then hold the same scope a second time.
  public var role: DatabaseRole {
    switch tenant {
    case .one(let tenant):
      .viewer(ScopeSettings(organization: organization.rawValue, environment: environment.rawValue, tenant: tenant.rawValue))
    case .all:
      .analyst(ScopeSettings(organization: organization.rawValue, environment: environment.rawValue, tenant: nil))
    }
  }

  /// The session's own, and the dashboard's.
  func lockedFilters(of dimension: Dimension) -> [LockedFilter] { lockedFilters.filter { $0.dimension == dimension } }
}
