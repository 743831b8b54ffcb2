import Access
public import ClickHouse
public import ConfigStore
public import Domain
public import QueryEngine

/// Sends one statement to the event store under a role.
public protocol QueryRunning: Sendable {
  func rows(_ sql: SQL, as role: DatabaseRole) async throws -> QueryRows
}

/// Makes scopes of credentials and runs plans. Nothing else in the API reaches the event store.
public struct QueryService: Sendable {
  let runner: any QueryRunning
  let clock: TimeSource
  /// Nil when answers are not kept.
  let cache: ResultCache?
  /// Nil when the state of tenants' events is not asked for: then nothing is kept, and rollups are not used.
  let tenants: TenantDataMemory?
  /// What a refresh begins; nil when there are none.
  let generations: CacheGenerationRepository?
  /// What answers have shown of dimensions.
  let dimensions = KnownDimensions()

  public init(
    runner: any QueryRunning, clock: @escaping TimeSource, cache: ResultCache? = nil, tenants: TenantDataMemory? = nil,
    generations: CacheGenerationRepository? = nil
  ) {
    self.runner = runner
    self.clock = clock
    self.cache = cache
    self.tenants = tenants
    self.generations = generations
  }

  public var executor: Executor { Executor { sql, role in try await runner.rows(sql, as: role) } }

  /// The scope of the organisation's own people and keys: one tenant, or all of them.
  func scope(_ account: Account, tenant: TenantID?, timezone: String?) throws -> Scope {
    try Scope(
      organization: account.organization, environment: account.environment, tenant: tenant.map(Scope.Tenant.one) ?? .all, now: clock(),
      zone: try timezone.map { try Zone($0) } ?? .utc)
  }

  /// The scope of a viewer: the session's tenant and permissions, days in the session's zone or else in the dashboard's.
  /// - Parameter dashboard: resolved by the session's context.
  func scope(_ session: EmbedSession, dashboard: DashboardConfig) throws -> Scope {
    let zone = try (session.timezone ?? dashboard.timezone).map { try Zone($0) } ?? .utc
    return try Scope(
      organization: session.organizationID, environment: session.environment, tenant: session.tenantID,
      permissions: session.permissions,
      fixedFilters: dashboard.fixedFilters.map { Scope.LockedFilter(dimension: $0.dimension, values: $0.resolved ?? []) }, now: clock(),
      zone: zone)
  }
}
