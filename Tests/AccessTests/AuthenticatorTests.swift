import Access
import ConfigStore
import Domain
import Foundation
import Testing

@Suite struct AuthenticatorTests {
  /// What comes of a request: `ok`, or the error's status and code.
  private func outcome(_ house: House, _ rule: AccessRule, _ credentials: RequestCredentials) async throws -> String {
    let error = try await appError { _ = try await house.authenticator.authenticate(credentials, for: rule) }
    return error.map { "\($0.status) \($0.code)" } ?? "ok"
  }

  private func bearer(_ secret: String) -> RequestCredentials {
    RequestCredentials(authorization: "Bearer \(secret)", host: "emban.example.com", isWrite: true)
  }

  private func cookie(_ cookie: String, origin: String? = "https://emban.example.com") -> RequestCredentials {
    RequestCredentials(cookie: cookie, origin: origin, host: "emban.example.com", isWrite: true)
  }

  /// The whole table: every credential at every rule.
  @Test func everyCredentialAtEveryRule() async throws {
    let house = try await House()
    let ingest = try await house.keys.issue(
      house.ada.organization.id, environment: .production, name: "I", scope: .ingest, by: house.ada.user.id.rawValue)
    let token = try await house.tokens.issue(house.embedSession()).token
    let ok = "ok"
    let scope = "403 insufficient_scope"
    let none = "401 unauthorized"
    let missing = "401 token_missing"
    let invalid = "401 token_invalid"
    // Columns:                                  public  session  read   edit   admin  team   owner  ingest embed
    let table: [(String, RequestCredentials, [String])] = [
      ("nothing", RequestCredentials(isWrite: false), [ok, none, none, none, none, none, none, none, missing]),
      ("admin key", bearer(house.adaKey.secret), [ok, scope, ok, ok, ok, scope, scope, ok, invalid]),
      ("ingest key", bearer(ingest.secret), [ok, scope, scope, scope, scope, scope, scope, ok, invalid]),
      ("embed token", bearer(token), [ok, none, none, none, none, none, none, none, ok]),
      ("owner", cookie(house.cookie(house.ada)), [ok, ok, ok, ok, ok, ok, ok, scope, missing]),
      ("admin", cookie(try await house.member(.admin)), [ok, ok, ok, ok, ok, ok, scope, scope, missing]),
      ("editor", cookie(try await house.member(.editor)), [ok, ok, ok, ok, scope, scope, scope, scope, missing]),
      ("member", cookie(try await house.member(.member)), [ok, ok, ok, scope, scope, scope, scope, scope, missing]),
      ("unknown key", bearer("eb_adm_" + String(repeating: "a", count: 38)), [ok, none, none, none, none, none, none, none, invalid]),
      (
        "unknown cookie", cookie("emban_session=" + String(repeating: "a", count: 43)),
        [ok, none, none, none, none, none, none, none, missing]
      ),
    ]
    let rules: [AccessRule] = [.public, .session, .read, .edit, .admin, .team, .owner, .ingest, .embed]
    #expect(Set(rules) == Set(AccessRule.allCases))
    for (name, credentials, expected) in table {
      for (rule, expected) in zip(rules, expected) {
        #expect(try await outcome(house, rule, credentials) == expected, "\(name) at \(rule)")
      }
    }
  }

  @Test func tellsWhoItIs() async throws {
    let house = try await House()
    let key = try await house.authenticator.authenticate(bearer(house.adaKey.secret), for: .admin)
    #expect(key?.organizationID == house.ada.organization.id && key?.actor == house.adaKey.key.id.rawValue)
    let user = try await house.authenticator.authenticate(cookie(house.cookie(house.grace)), for: .owner)
    #expect(user?.organizationID == house.grace.organization.id && user?.actor == house.grace.user.id.rawValue)
    let issued = try await house.tokens.issue(house.embedSession())
    guard case .embed(let viewer) = try await house.authenticator.authenticate(bearer(issued.token), for: .embed) else {
      Issue.record("an embed token must give an embed principal")
      return
    }
    #expect(viewer.tenantID.rawValue == "acme" && viewer.session.id == issued.session.id)
    #expect(try await house.authenticator.authenticate(bearer(house.adaKey.secret), for: .public) == nil)
  }

  @Test func readsBearerOnly() async throws {
    let house = try await House()
    let secret = house.adaKey.secret
    for header in ["bearer \(secret)", "BEARER   \(secret)"] {
      #expect(try await outcome(house, .admin, RequestCredentials(authorization: header, isWrite: false)) == "ok")
    }
    for header in [secret, "Basic \(secret)", "Bearer", "Bearer ", "Bearer \(secret) \(secret)", "Bearer\(secret)", ""] {
      #expect(try await outcome(house, .admin, RequestCredentials(authorization: header, isWrite: false)) == "401 unauthorized")
    }
    for header in ["Bearer", "Bearer ", "Basic x"] {
      #expect(try await outcome(house, .embed, RequestCredentials(authorization: header, isWrite: false)) == "401 token_missing")
    }
  }

  @Test func aWrongKeyIsNotRescuedByACookie() async throws {
    let house = try await House()
    var credentials = cookie(house.cookie(house.ada))
    credentials.authorization = "Bearer eb_adm_wrong"
    #expect(try await outcome(house, .read, credentials) == "401 unauthorized")
    // A proxy's own Basic credentials are none of ours.
    credentials.authorization = "Basic dXNlcjpwYXNz"
    #expect(try await outcome(house, .read, credentials) == "ok")
  }

  @Test func rolesTakeEffectAtOnce() async throws {
    let house = try await House()
    let header = try await house.member(.admin)
    #expect(try await outcome(house, .admin, cookie(header)) == "ok")
    let members = MembershipRepository(house.database)
    let member = try #require(try await members.list(in: house.ada.organization.id).first { $0.role == .admin })
    try await members.put(
      Membership(organizationID: member.organizationID, userID: member.userID, role: .member, createdAt: house.clock.now))
    #expect(try await outcome(house, .admin, cookie(header)) == "403 insufficient_scope")
    #expect(try await members.remove(member.organizationID, member.userID))
    #expect(try await outcome(house, .read, cookie(header)) == "401 unauthorized")
  }

  @Test(arguments: [
    "https://evil.example", "https://emban.example.com.evil.example", "https://emban.example.com@evil.example", "http://emban.example.com",
    "https://emban.example.com:8443", "null", "", "emban.example.com", "https://evil.example/https://emban.example.com", "file://",
    "https://evil.example\\@emban.example.com",
  ])
  func refusesWritesFromForeignPages(origin: String) async throws {
    let house = try await House()
    // The Host is what the proxy asked for: not the public name.
    var credentials = cookie(house.cookie(house.ada), origin: origin)
    credentials.host = "10.0.0.5:8080"
    #expect(try await outcome(house, .edit, credentials) == "403 origin_mismatch")
    // The same from `Referer`, when there is no `Origin`.
    credentials.origin = nil
    credentials.referer = origin
    #expect(try await outcome(house, .edit, credentials) == "403 origin_mismatch")
    // Reading is harmless: the foreign page cannot see the answer.
    credentials.isWrite = false
    #expect(try await outcome(house, .read, credentials) == "ok")
  }

  @Test func takesWritesFromOurOwnPages() async throws {
    let house = try await House()
    var credentials = cookie(house.cookie(house.ada), origin: nil)
    #expect(try await outcome(house, .edit, credentials) == "403 origin_mismatch")
    credentials.referer = "https://emban.example.com/app/dashboards?x=1#y"
    #expect(try await outcome(house, .edit, credentials) == "ok")
    for (origin, host) in [
      ("https://EMBAN.example.com:443", "proxy:1"), ("http://127.0.0.1:8080", "127.0.0.1:8080"), ("http://localhost", "localhost:80"),
      ("https://other.example", "other.example"), ("http://[::1]:8080", "[::1]:8080"),
    ] {
      credentials.origin = origin
      credentials.host = host
      #expect(try await outcome(house, .edit, credentials) == "ok", "\(origin)")
    }
    // Who is on the way to us can answer for our name without TLS.
    credentials.origin = "http://emban.example.com"
    credentials.host = "emban.example.com"
    #expect(try await outcome(house, .edit, credentials) == "403 origin_mismatch")
    credentials.host = "proxy:1"
    // A foreign Origin is not outvoted by a Referer of ours.
    credentials.origin = "https://evil.example"
    #expect(try await outcome(house, .edit, credentials) == "403 origin_mismatch")
  }

  /// A body may take hours to arrive.
  @Test func asksAgainForWhoeverWasTrustedBefore() async throws {
    let house = try await House()
    let admin = cookie(try await house.member(.admin))
    let principal = try await house.authenticator.authenticate(admin, for: .read)
    try await house.authenticator.authenticateAgain(admin, for: .read, as: principal)
    let members = MembershipRepository(house.database)
    let address = try #require(EmailAddress("admin@example.com"))
    let user = try #require(try await UserRepository(house.database).find(email: address))
    // Who may still do it does it as what they are now, and not as what they were.
    _ = try await members.setRole(.editor, of: user.id, in: house.ada.organization.id)
    let demoted = try await appError { try await house.authenticator.authenticateAgain(admin, for: .read, as: principal) }
    #expect(demoted?.status == 403 && demoted?.code == "insufficient_scope")
    _ = try await members.remove(user.id, from: house.ada.organization.id, ofRoles: [.editor])
    let removed = try await appError { try await house.authenticator.authenticateAgain(admin, for: .read, as: principal) }
    #expect(removed?.status == 401)
    let key = RequestCredentials(authorization: "Bearer \(house.adaKey.secret)", isWrite: true)
    let machine = try await house.authenticator.authenticate(key, for: .admin)
    _ = try await house.keys.revoke(house.ada.organization.id, house.adaKey.key.id)
    let revoked = try await appError { try await house.authenticator.authenticateAgain(key, for: .admin, as: machine) }
    #expect(revoked?.status == 401)
    try await house.authenticator.authenticateAgain(RequestCredentials(isWrite: true), for: .public, as: nil)
  }

  @Test func signsNobodyInFromForeignPages() async throws {
    let house = try await House()
    var credentials = RequestCredentials(origin: "https://evil.example", host: "emban.example.com", isWrite: true)
    #expect(try await outcome(house, .public, credentials) == "403 origin_mismatch")
    credentials.origin = "https://emban.example.com"
    #expect(try await outcome(house, .public, credentials) == "ok")
    credentials.origin = nil
    #expect(try await outcome(house, .public, credentials) == "ok")
  }
}
