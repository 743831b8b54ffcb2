public import ConfigStore
public import Domain
import JWTKit

/// What a host product's back end asks for when one of its customers opens a dashboard.
public struct NewEmbedSession: Sendable {
  public var organizationID: OrganizationID
  public var environment: EnvironmentName
  public var tenantID: TenantID
  public var dashboardID: DashboardID
  /// The data app among whose dashboards the viewer may choose; nil for the one dashboard.
  public var dataAppID: DataAppID?
  public var permissions: EmbedPermissions
  public var context: JSONValue
  public var timezone: String?
  public var locale: String?
  public var allowedOrigins: [String]?
  /// Lifetime in seconds, within ``Domain/Limits/embedSeconds``.
  public var expiresIn: Int
  /// The user or key that asks.
  public var createdBy: String

  public init(
    organizationID: OrganizationID, environment: EnvironmentName, tenantID: TenantID, dashboardID: DashboardID,
    dataAppID: DataAppID? = nil, permissions: EmbedPermissions = EmbedPermissions(), context: JSONValue = [:], timezone: String? = nil,
    locale: String? = nil,
    allowedOrigins: [String]? = nil, expiresIn: Int = Limits.defaultEmbedSeconds, createdBy: String
  ) {
    self.organizationID = organizationID
    self.environment = environment
    self.tenantID = tenantID
    self.dashboardID = dashboardID
    self.dataAppID = dataAppID
    self.permissions = permissions
    self.context = context
    self.timezone = timezone
    self.locale = locale
    self.allowedOrigins = allowedOrigins
    self.expiresIn = expiresIn
    self.createdBy = createdBy
  }
}

/// A new embed session and its token, which is kept nowhere.
public struct IssuedEmbedSession: Sendable, CustomStringConvertible {
  public let session: EmbedSession
  public let token: String

  public var description: String { "\(session.id) [redacted]" }
}

/// Issues, verifies and revokes the tokens of viewers: JWTs by HS256 under a key of the organisation.
///
/// A token is as good as its session: verification asks the store and compares every claim with it, so that a leaked signing key alone
/// opens nothing and a revoked session ends at once. Servers that share a store agree within ``cacheMilliseconds``.
public final class EmbedTokens: Sendable {
  /// How long a session's state is remembered, in milliseconds.
  public static let cacheMilliseconds: Int64 = 400
  /// How far ahead of ours the clock of the server that issued a token may be, in seconds. Expiry knows no such grace.
  public static let clockSkewSeconds = 5
  /// For how long a retired signing key still verifies, in seconds: the longest life of a token.
  public static let retiredKeySeconds = Limits.embedSeconds.upperBound

  private struct VerifyingKey: Sendable {
    let key: SigningKey
    let collection: JWTKeyCollection
  }

  private let sessions: EmbedSessionRepository
  private let signingKeys: SigningKeyRepository
  private let secretKey: SecretKey
  private let clock: @Sendable () -> Instant
  private let knownSessions = ExpiringCache<SessionID, EmbedSession>(milliseconds: EmbedTokens.cacheMilliseconds, capacity: 4_096)
  private let knownKeys = ExpiringCache<String, VerifyingKey>(milliseconds: 10_000, capacity: 1_024)

  public init(_ database: any ConfigDatabase, secretKey: SecretKey, clock: @escaping @Sendable () -> Instant) {
    sessions = EmbedSessionRepository(database)
    signingKeys = SigningKeyRepository(database)
    self.secretKey = secretKey
    self.clock = clock
  }

  /// Stores a session and signs its token.
  /// - Throws: ``Domain/AppError`` 404 when the organisation has no such dashboard, 422 that names `expires_in`, `environment` or (for a
  ///   token too long for headers and addresses) `permissions`.
  public func issue(_ new: NewEmbedSession) async throws -> IssuedEmbedSession {
    guard Limits.embedSeconds.contains(new.expiresIn) else {
      throw AppError.invalid(
        "expires_in", "out_of_range",
        "must be a whole number of seconds between \(Limits.embedSeconds.lowerBound) and \(Limits.embedSeconds.upperBound)")
    }
    let now = clock()
    // Tokens count in whole seconds; the session does as well, so that the two can be compared.
    let start = Instant(milliseconds: now.milliseconds / 1000 * 1000)
    let session = EmbedSession(
      id: SessionID(IDGenerator.make("ses")), organizationID: new.organizationID, environment: new.environment, tenantID: new.tenantID,
      dashboardID: new.dashboardID, dataAppID: new.dataAppID, permissions: new.permissions, context: new.context, timezone: new.timezone,
      locale: new.locale,
      allowedOrigins: new.allowedOrigins, createdAt: now, createdBy: new.createdBy, expiresAt: start.adding(seconds: Double(new.expiresIn)))
    let key = try await signingKeys.current(new.organizationID, orInsert: IDGenerator.make("ek"), at: now)
    let token = try await collection(for: key).sign(EmbedClaims(session), kid: JWKIdentifier(string: key.kid))
    guard token.utf8.count <= EmbedTokenHeader.maximumTokenBytes else {
      throw AppError.invalid("permissions", "too_large", "must be shorter: the token would not fit into an address")
    }
    try await sessions.insert(session)
    return IssuedEmbedSession(session: session, token: token)
  }

  /// The live session that a token stands for.
  /// - Throws: ``Domain/AppError`` 401 `token_invalid`, `token_expired` or `session_revoked`. Whether a session is expired or revoked is told
  ///   only to who holds a rightly signed token.
  public func verify(_ token: String) async throws -> EmbedSession {
    let now = clock()
    guard let header = EmbedTokenHeader(token: token) else { throw Self.invalid("malformed token or header") }
    guard let key = try await verifyingKey(header.kid, at: now) else { throw Self.invalid("unknown or retired key") }
    let claims: EmbedClaims
    do {
      claims = try await key.collection.verify(token, as: EmbedClaims.self)
    } catch {
      throw Self.invalid("\(error)")
    }
    guard claims.iss == EmbedClaims.issuer, claims.aud == EmbedClaims.audience else { throw Self.invalid("issuer or audience") }
    guard claims.org == key.key.organizationID.rawValue else { throw Self.invalid("the key is another organization's") }
    let ahead = now.milliseconds / 1000 + Int64(Self.clockSkewSeconds)
    guard claims.nbf <= ahead, claims.iat <= ahead else { throw Self.invalid("not valid yet") }
    guard now.milliseconds / 1000 < Int64(claims.exp) else {
      throw AppError.unauthorized("token_expired", "This view has expired. Ask for a new token.")
    }
    guard let session = try await liveSession(SessionID(claims.jti), at: now), session.revokedAt == nil else {
      throw AppError.unauthorized("session_revoked", "This view was withdrawn. Ask for a new token.")
    }
    guard claims.belong(to: session) else { throw Self.invalid("the claims differ from the session") }
    return session
  }

  /// Revokes a session; its token is dead at once here, elsewhere within ``cacheMilliseconds``.
  /// - Returns: Whether the organisation (in this environment, if one is named) has such a session.
  public func revoke(_ organization: OrganizationID, _ id: SessionID, environment: EnvironmentName? = nil) async throws -> Bool {
    let found = try await sessions.revoke(organization, id, environment: environment, at: clock())
    knownSessions.remove { known, _ in known == id }
    return found
  }

  /// Revokes every live session of a tenant, or that may show a dashboard, or both at once.
  /// - Returns: Which.
  public func revokeAll(
    _ organization: OrganizationID, tenant: TenantID? = nil, dashboard: DashboardID? = nil, environment: EnvironmentName? = nil
  ) async throws -> Set<SessionID> {
    let revoked = Set(
      try await sessions.revokeAll(organization, tenant: tenant, dashboard: dashboard, environment: environment, at: clock()))
    knownSessions.remove { known, _ in revoked.contains(known) }
    return revoked
  }

  /// Forgets the sessions of an organisation that is no more: here its tokens die at once.
  public func forget(_ organization: OrganizationID) {
    knownSessions.remove { $1.organizationID == organization }
    knownKeys.remove { $1.key.organizationID == organization }
  }

  /// The organisation's live sessions, newest first.
  public func listLive(
    _ organization: OrganizationID, tenant: TenantID? = nil, dashboard: DashboardID? = nil, environment: EnvironmentName? = nil,
    _ request: PageRequest = .first
  ) async throws -> Page<EmbedSession> {
    try await sessions.listLive(organization, tenant: tenant, dashboard: dashboard, environment: environment, request, at: clock())
  }

  /// Signs from now on with a new key. Tokens of the old one live on until they expire.
  @discardableResult
  public func rotateKey(_ organization: OrganizationID) async throws -> SigningKey {
    try await signingKeys.rotate(organization, to: IDGenerator.make("ek"), at: clock())
  }

  /// Removes expired sessions.
  @discardableResult
  public func purge() async throws -> Int { try await sessions.purge(at: clock()) }

  // MARK: -

  private static func invalid(_ cause: String) -> AppError {
    var error = AppError.unauthorized("token_invalid", "This token is not valid.")
    error.cause = cause
    return error
  }

  private func liveSession(_ id: SessionID, at now: Instant) async throws -> EmbedSession? {
    if let session = knownSessions.value(id, at: now) { return session }
    guard let session = try await sessions.find(id) else { return nil }
    knownSessions.store(session, for: id, at: now)
    return session
  }

  private func verifyingKey(_ kid: String, at now: Instant) async throws -> VerifyingKey? {
    var known = knownKeys.value(kid, at: now)
    if known == nil, let key = try await signingKeys.find(kid: kid) {
      let fresh = VerifyingKey(key: key, collection: await collection(for: key))
      knownKeys.store(fresh, for: kid, at: now)
      known = fresh
    }
    guard let known else { return nil }
    let end = known.key.retiredAt?.adding(seconds: Double(Self.retiredKeySeconds))
    return end.map { now < $0 } ?? true ? known : nil
  }

  /// A collection of exactly one key, so that jwt-kit cannot choose another one.
  private func collection(for key: SigningKey) async -> JWTKeyCollection {
    let secret = secretKey.derive(info: "embed-signing-key:\(key.kid)")
    return await JWTKeyCollection().add(hmac: HMACKey(key: secret), digestAlgorithm: .sha256, kid: JWKIdentifier(string: key.kid))
  }
}
