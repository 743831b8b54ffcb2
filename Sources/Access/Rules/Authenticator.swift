import ConfigStore
import Domain

/// What of a request tells who makes it: header values as they came, nil when absent.
public struct RequestCredentials: Sendable {
  public var authorization: String?
  public var cookie: String?
  public var origin: String?
  public var referer: String?
  public var host: String?
  /// False for GET, HEAD and OPTIONS.
  public var isWrite: Bool

  public init(
    authorization: String? = nil, cookie: String? = nil, origin: String? = nil, referer: String? = nil, host: String? = nil,
    isWrite: Bool
  ) {
    self.authorization = authorization
    self.cookie = cookie
    self.origin = origin
    self.referer = referer
    self.host = host
    self.isWrite = isWrite
  }

  /// The token of `Authorization: Bearer …`. Another scheme (a proxy's own Basic, for instance) is none of ours.
  var bearer: String? {
    guard let authorization else { return nil }
    let parts = authorization.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    guard parts.first?.lowercased() == "bearer" else { return nil }
    return parts.count == 2 ? String(parts[1].drop { $0 == " " }) : ""
  }
}

/// Turns a credential into a ``Principal`` under the rule of the route. Default is refusal.
public struct Authenticator: Sendable {
  private let keys: APIKeys
  private let sessions: ConsoleSessions
  private let tokens: EmbedTokens
  private let originGuard: OriginGuard

  public init(keys: APIKeys, sessions: ConsoleSessions, tokens: EmbedTokens, originGuard: OriginGuard) {
    self.keys = keys
    self.sessions = sessions
    self.tokens = tokens
    self.originGuard = originGuard
  }

  /// - Returns: Who makes the request; nil only under the rule `public`.
  /// - Throws: ``Domain/AppError``:
  ///   401 `unauthorized` without a good key or session; on viewers' routes `token_missing`, `token_invalid`, `token_expired`,
  ///   `session_revoked`; 403 `insufficient_scope` when the credential is good but may not do this; 403 `origin_mismatch` when a browser
  ///   writes with the cookie from a page that is not ours, or (login, registration) from a foreign page at all.
  public func authenticate(_ credentials: RequestCredentials, for rule: AccessRule) async throws -> Principal? {
    let principal: Principal
    switch rule {
    case .public:
      // A foreign page must not sign anybody in or out. Programs send no Origin and are not meant.
      if credentials.isWrite, credentials.origin != nil { try requireOwnOrigin(credentials) }
      return nil
    case .embed: principal = .embed(try await viewer(credentials))
    case .session, .read, .edit, .admin, .team, .owner, .ingest: principal = try await keyOrUser(credentials)
    }
    guard rule.permits(principal) else { throw Self.insufficient(rule, principal) }
    return principal
  }

  /// Asks once more, after something that may have taken long: whoever was removed, demoted or signed out meanwhile does not finish what they began.
  /// - Throws: As ``authenticate(_:for:)``; 403 `insufficient_scope` when the credential stands for something else by now.
  public func authenticateAgain(_ credentials: RequestCredentials, for rule: AccessRule, as principal: Principal?) async throws {
    guard let principal else { return }
    guard let now = try await authenticate(credentials, for: rule), now.isStill(principal) else {
      throw AppError.forbidden("insufficient_scope", "What you may do was changed while this request was on its way. Send it again.")
    }
  }

  private func viewer(_ credentials: RequestCredentials) async throws -> EmbedPrincipal {
    guard let token = credentials.bearer, !token.isEmpty else {
      throw AppError.unauthorized("token_missing", "This route needs an embed token: Authorization: Bearer <token>.")
    }
    return EmbedPrincipal(session: try await tokens.verify(token))
  }

  private func keyOrUser(_ credentials: RequestCredentials) async throws -> Principal {
    // A key that was sent is meant: when it is wrong, a cookie beside it must not step in.
    if let secret = credentials.bearer {
      guard let key = try await keys.verify(secret) else { throw Self.badKey(secret) }
      return .apiKey(
        APIKeyPrincipal(organizationID: key.organizationID, environment: key.environment, keyID: key.id, scope: key.scope))
    }
    guard let token = ConsoleSessions.token(inCookieHeader: credentials.cookie), let session = try await sessions.verify(token) else {
      throw AppError.unauthorized("unauthorized", "Sign in, or send an API key: Authorization: Bearer <key>.")
    }
    if credentials.isWrite { try requireOwnOrigin(credentials) }
    return .user(
      UserPrincipal(organizationID: session.organizationID, userID: session.userID, role: session.role, sessionID: session.id))
  }

  private func requireOwnOrigin(_ credentials: RequestCredentials) throws(AppError) {
    guard originGuard.isOwn(origin: credentials.origin, referer: credentials.referer, host: credentials.host) else {
      throw .forbidden("origin_mismatch", "This request comes from a page that is not part of this server.")
    }
  }

  private static func badKey(_ secret: String) -> AppError {
    let isToken = secret.utf8.count(where: { $0 == UInt8(ascii: ".") }) == 2
    return .unauthorized(
      "unauthorized",
      isToken ? "An embed token opens the routes of viewers only." : "This API key is unknown or was revoked.")
  }

  private static func insufficient(_ rule: AccessRule, _ principal: Principal) -> AppError {
    let holder =
      switch principal {
      case .apiKey(let key): "An API key of scope \(key.scope.rawValue)"
      case .user(let user): "The role \(user.role.rawValue)"
      case .embed: "An embed token"
      }
    return .forbidden("insufficient_scope", "\(holder) may not do this: it needs \(rule.rawValue) access.")
  }
}
