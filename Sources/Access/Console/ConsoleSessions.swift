public import ConfigStore
public import Domain

/// Who is at the other end of a request, as far as that is known.
public struct Visitor: Sendable, Hashable {
  /// The remote address.
  public let address: String?
  /// What the browser calls itself.
  public let userAgent: String?

  public init(address: String? = nil, userAgent: String? = nil) {
    self.address = address
    self.userAgent = userAgent
  }

  /// What a browser says of itself, cut to what a list can show.
  var shownAgent: String {
    String((userAgent ?? "").unicodeScalars.filter { $0.value >= 0x20 }.prefix(Limits.userAgentLength).map { Character($0) })
  }
}

/// Sessions of people in the console, held by the cookie `emban_session`. They last 30 days from the last visit, and
/// ``Domain/Limits/consoleSessionSeconds`` at most; for the browser to know that, a route that every visit calls (`GET /v1/auth/me`) sends the
/// cookie again.
public struct ConsoleSessions: Sendable {
  public static let cookieName = "emban_session"
  public static let lifetimeSeconds = 30 * 86_400
  /// A visit is written down, and the end moved, at most this often, in milliseconds.
  static let touchMilliseconds: Int64 = 60_000

  private let repository: SessionRepository
  private let clock: @Sendable () -> Instant

  public init(_ database: any ConfigDatabase, clock: @escaping @Sendable () -> Instant) {
    repository = SessionRepository(database)
    self.clock = clock
  }

  /// Starts a session of a member.
  /// - Parameters:
  ///   - visitor: from where, for the person to recognise it.
  ///   - passwordHash: of the password that opens it: one that was changed since opens nothing. Nil where another session does.
  ///   - replaced: the session in whose place this one comes, and which must not have ended. Nil for none.
  /// - Returns: The session, and the token that goes into the cookie and is kept nowhere else.
  /// - Throws: ``Domain/AppError`` 401 when the password was changed or the session has ended meanwhile; 403 `no_organization`.
  public func create(
    _ membership: Membership, visitor: Visitor = Visitor(), provenBy passwordHash: String? = nil, replacing replaced: SessionID? = nil
  ) async throws -> (session: ConsoleSession, token: String) {
    let now = clock()
    let token = Randomness.base62(43)
    let session = ConsoleSession(
      id: SessionID(IDGenerator.make("con")), userID: membership.userID, organizationID: membership.organizationID,
      role: membership.role, createdAt: now, expiresAt: now.adding(seconds: Double(Self.lifetimeSeconds)), lastSeenAt: now,
      address: visitor.address ?? "", userAgent: visitor.shownAgent)
    do {
      let isStored = try await repository.insert(
        session, tokenHash: token.sha256, ifPasswordIs: passwordHash, replacing: replaced)
      guard isStored else { throw AppError.unauthorized("unauthorized", "You were signed out just now. Sign in first.") }
    } catch ConfigStoreError.foreignKeyViolation {
      throw AppError.forbidden("no_organization", "You are no longer a member of this organization.")
    }
    return (session, token)
  }

  /// The session of a token with its member's present role; nil when it ended, expired or never was.
  public func verify(_ token: String) async throws -> ConsoleSession? {
    guard Self.isWellFormed(token) else { return nil }
    let now = clock()
    guard let session = try await repository.find(tokenHash: token.sha256, at: now) else { return nil }
    if now.milliseconds - session.lastSeenAt.milliseconds >= Self.touchMilliseconds {
      // A store that can be read but not written to (a full disk) must not lock people out.
      let end = min(
        now.adding(seconds: Double(Self.lifetimeSeconds)), session.createdAt.adding(seconds: Double(Limits.consoleSessionSeconds)))
      try? await repository.touch(session.id, at: now, expiresAt: end)
    }
    return session
  }

  /// Ends a session.
  /// - Returns: Whether there was one.
  @discardableResult
  public func destroy(_ token: String) async throws -> Bool {
    guard Self.isWellFormed(token) else { return false }
    return try await repository.delete(tokenHash: token.sha256)
  }

  /// A person's sessions in all organisations, the one visited last first.
  public func list(of user: UserID) async throws -> [ConsoleSession] { try await repository.list(of: user, at: clock()) }

  /// Ends a session of the person.
  /// - Returns: The organisation that it was of; nil when the person has no such session.
  public func end(_ id: SessionID, of user: UserID) async throws -> OrganizationID? { try await repository.delete(id, of: user) }

  /// Ends all sessions of a person but one; nil for really all.
  /// - Parameter note: is asked for each organisation of the person, with how many were ended in all of them.
  /// - Returns: How many were ended.
  @discardableResult
  public func endAll(
    of user: UserID, but kept: SessionID? = nil, noting note: AuditNote<(membership: Membership, ended: Int)>? = nil
  ) async throws -> Int {
    try await repository.deleteAll(of: user, but: kept, noting: note)
  }

  /// Removes expired sessions.
  @discardableResult
  public func purge() async throws -> Int { try await repository.purge(at: clock()) }

  private static func isWellFormed(_ token: String) -> Bool {
    token.utf8.count == 43
      && token.utf8.allSatisfy {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0
          || UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0
      }
  }

  // MARK: - The cookie

  /// The value of `Set-Cookie` that keeps the token; `secure` when the public URL is https.
  public static func cookie(_ token: String, secure: Bool) -> String {
    "\(cookieName)=\(token); Path=/; Max-Age=\(lifetimeSeconds); HttpOnly; SameSite=Lax\(secure ? "; Secure" : "")"
  }

  /// The value of `Set-Cookie` that removes the cookie.
  public static func clearingCookie(secure: Bool) -> String {
    "\(cookieName)=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax\(secure ? "; Secure" : "")"
  }

  /// The token in a `Cookie` header; nil when there is none.
  public static func token(inCookieHeader header: String?) -> String? {
    for pair in (header ?? "").split(separator: ";") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, String(parts[0].drop { $0 == " " }) == cookieName, !parts[1].isEmpty { return String(parts[1]) }
    }
    return nil
  }
}
