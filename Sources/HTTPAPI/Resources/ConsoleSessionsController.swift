import Access
import ConfigStore
import Domain
import Hummingbird

/// `/v1/auth/sessions`: where the person who is signed in is signed in.
struct ConsoleSessionsController: Controller {
  let sessions: ConsoleSessions
  let audit: AuditLog
  let cookie: SessionCookie

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/auth/sessions", .session, list),
      Endpoint(.delete, "/v1/auth/sessions", .session, endAll),
      Endpoint(.delete, "/v1/auth/sessions/:id", .session, end),
    ]
  }

  private func list(_ request: APIRequest) async throws -> Response {
    let person = try request.person()
    let own = try await sessions.list(of: person.userID)
    return .page(own.map { $0.json(current: $0.id == person.sessionID) }, nextCursor: nil)
  }

  private func end(_ request: APIRequest) async throws -> Response {
    let person = try request.person()
    let id = SessionID(try request.parameter("id"))
    guard let organization = try await sessions.end(id, of: person.userID) else {
      throw AppError.notFound("You have no such session.", code: "session_not_found")
    }
    // The session may be one of another organisation than that of the request.
    try await audit.record(
      "session.end", "session", id.rawValue,
      by: Account(organization: organization, environment: .production, actor: person.userID.rawValue), from: request)
    return Response(status: .noContent, headers: id == person.sessionID ? cookie.cleared : [:])
  }

  private func endAll(_ request: APIRequest) async throws -> Response {
    let kept = try request.readQuery { $0.textBool("keep_current") } ?? false
    let person = try request.person()
    // Of all organisations, so each of them is told.
    try await sessions.endAll(of: person.userID, but: kept ? person.sessionID : nil) { ended in
      audit.entry(
        "session.end_all", "user", person.userID.rawValue,
        by: Account(organization: ended.membership.organizationID, environment: .production, actor: person.userID.rawValue), from: request,
        after: ["ended": .int(ended.ended)])
    }
    return Response(status: .noContent, headers: kept ? [:] : cookie.cleared)
  }
}

extension ObjectReader {
  /// `true` or `false` written as text, as query parameters are.
  mutating func textBool(_ key: String) -> Bool? {
    guard let text = string(key, length: 0...20) else { return nil }
    guard let value = Bool(text) else {
      problem(key, "wrong_type", "must be true or false")
      return nil
    }
    return value
  }
}

extension ConsoleSession {
  fileprivate func json(current: Bool) -> JSONValue {
    [
      "id": .string(id.rawValue), "organization_id": .string(organizationID.rawValue), "created_at": createdAt.json,
      "last_seen_at": lastSeenAt.json, "expires_at": expiresAt.json, "address": .string(address), "user_agent": .string(userAgent),
      "current": .bool(current),
    ]
  }
}
