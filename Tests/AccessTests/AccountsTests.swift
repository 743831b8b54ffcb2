import Access
import ConfigStore
import Domain
import Foundation
import Testing

@Suite struct AccountsTests {
  @Test func registersAndSignsIn() async throws {
    let house = try await House()
    #expect(house.ada.organization.name == "Acme" && house.ada.organization.plan == "scale" && house.ada.role == .owner)
    #expect(house.grace.user.name == "grace" && house.grace.organization.name == "grace's team")
    let again = try await house.accounts.login(email: " ADA@example.com", password: House.password)
    #expect(again.user.id == house.ada.user.id && again.token != house.ada.token)
    #expect(try await house.sessions.verify(again.token)?.organizationID == house.ada.organization.id)
    let actions = try await AuditRepository(house.database).list(house.ada.organization.id).items.map(\.action)
    #expect(actions.sorted() == ["user.login", "user.register"])
  }

  @Test func storesNoSecretInTheClear() async throws {
    let house = try await House()
    let issued = try await house.tokens.issue(house.embedSession())
    try await house.database.close()
    for secret in [House.password, house.ada.token, house.adaKey.secret, issued.token] {
      #expect(try house.folder.holds(secret) == false)
    }
    #expect(try house.folder.holds("ada@example.com"))
    #expect(try house.folder.holds(house.adaKey.key.prefix))
    #expect(!"\(house.adaKey)".contains(house.adaKey.secret) && !"\(house.ada)".contains(house.ada.token))
    #expect(!"\(issued)".contains(issued.token))
  }

  @Test func tellsTheSameForAWrongNameAndAWrongPassword() async throws {
    let house = try await House()
    let unknown = try await appError { _ = try await house.accounts.login(email: "nobody@example.com", password: House.password) }
    let wrong = try await appError { _ = try await house.accounts.login(email: "ada@example.com", password: "not the password") }
    let odd = try await appError { _ = try await house.accounts.login(email: "'; --", password: "") }
    for error in [unknown, wrong, odd] {
      #expect(error?.status == 401 && error?.code == "invalid_credentials" && error?.message == unknown?.message)
    }
  }

  @Test func namesEveryWrongField() async throws {
    let house = try await House()
    let error = try await appError {
      _ = try await house.accounts.register(
        email: "nobody", password: "short", name: String(repeating: "x", count: 300), organization: "Acme")
    }
    #expect(error?.status == 422 && error?.details.map(\.field) == ["email", "password", "name"])
    let taken = try await appError { _ = try await house.accounts.register(email: "ada@example.com", password: House.password) }
    #expect(taken?.status == 409 && taken?.code == "email_taken")
  }

  @Test func limitsGuesses() async throws {
    let house = try await House()
    var statuses: [Int] = []
    for _ in 0..<12 {
      statuses.append(
        try await appError {
          _ = try await house.accounts.login(
            email: "ada@example.com", password: "guess guess guess", visitor: Visitor(address: "192.0.2.1"))
        }?.status ?? 200)
    }
    #expect(statuses == Array(repeating: 401, count: 10) + [429, 429])
    // The right password has to wait as well, but not elsewhere: strangers must not keep a person out.
    let guesser = Visitor(address: "192.0.2.1")
    let error = try await appError {
      _ = try await house.accounts.login(email: "ada@example.com", password: House.password, visitor: guesser)
    }
    #expect(error?.status == 429 && (error?.retryAfter ?? 0) > 0)
    _ = try await house.accounts.login(email: "ada@example.com", password: House.password, visitor: Visitor(address: "192.0.2.2"))
    house.clock.advance(seconds: 30)
    _ = try await house.accounts.login(email: "ada@example.com", password: House.password, visitor: guesser)
  }

  @Test(arguments: ["Ada\u{1B}[2J", "Ada\u{202E}", "\u{0}", "Ada\u{9F}"])
  func takesNoControlCharactersInNames(name: String) async throws {
    let house = try await House()
    let registered = try await appError {
      _ = try await house.accounts.register(email: "new@example.com", password: House.password, name: name, organization: name)
    }
    #expect(registered?.status == 422 && registered?.details.map(\.field) == ["name", "organization"])
    let session = try #require(try await house.sessions.verify(house.ada.token))
    let ada = UserPrincipal(organizationID: session.organizationID, userID: session.userID, role: session.role, sessionID: session.id)
    let renamed = try await appError { try await house.accounts.rename(ada, to: name) }
    #expect(renamed?.status == 422 && renamed?.details.map(\.code) == ["control_character"])
    let made = try await appError { _ = try await house.accounts.createOrganization(named: name, by: ada) }
    #expect(made?.status == 422)
    try await house.accounts.rename(ada, to: " Ada\t\u{1F469}\u{200D}\u{1F4BB} \n Lovelace")
    #expect(try await UserRepository(house.database).get(ada.userID)?.name == "Ada \u{1F469}\u{200D}\u{1F4BB} Lovelace")
  }

  @Test func aLoginEndsTheSessionThatItReplaces() async throws {
    let house = try await House()
    let again = try await house.accounts.login(email: "ada@example.com", password: House.password, cookie: house.cookie(house.ada))
    #expect(try await house.sessions.verify(house.ada.token) == nil)
    #expect(try await house.sessions.verify(again.token) != nil)
  }

  /// A session that was ended must not live on in another organisation.
  @Test func aSessionThatHasEndedLeadsNowhere() async throws {
    let house = try await House()
    let session = try #require(try await house.sessions.verify(house.ada.token))
    let ada = UserPrincipal(organizationID: session.organizationID, userID: session.userID, role: session.role, sessionID: session.id)
    try await house.sessions.endAll(of: ada.userID)
    let refused = try await appError { _ = try await house.accounts.change(ada, to: ada.organizationID) }
    #expect(refused?.status == 401)
    #expect(try await house.sessions.list(of: ada.userID).isEmpty)
  }

  @Test func aSessionEndsInTheEnd() async throws {
    let house = try await House()
    for _ in 0..<8 {
      house.clock.advance(seconds: 20 * 86_400)
      #expect(try await house.sessions.verify(house.ada.token) != nil)
    }
    house.clock.advance(seconds: 19 * 86_400)
    #expect(try await house.sessions.verify(house.ada.token) != nil)
    house.clock.advance(seconds: 86_400)
    #expect(try await house.sessions.verify(house.ada.token) == nil)
  }

  @Test func rehashesWithTodaysParameters() async throws {
    let house = try await House()
    let stronger = Accounts(
      house.database, hasher: PasswordHasher(parameters: PasswordHasher.Parameters(rounds: 64, blockSize: 8, parallelism: 1)),
      limiter: LoginLimiter(clock: house.clock.read), defaultPlan: "scale", clock: house.clock.read)
    _ = try await stronger.login(email: "ada@example.com", password: House.password)
    let hash = try await UserRepository(house.database).get(house.ada.user.id)?.passwordHash
    #expect(hash?.hasPrefix("scrypt$64$8$1$") == true)
    _ = try await stronger.login(email: "ada@example.com", password: House.password)
  }

  @Test func slidesAndEndsSessions() async throws {
    let house = try await House()
    let day = 86_400.0
    house.clock.advance(seconds: 20 * day)
    #expect(try await house.sessions.verify(house.ada.token) != nil)
    house.clock.advance(seconds: 29 * day)
    #expect(try await house.sessions.verify(house.ada.token) != nil)
    // Grace did not come back within thirty days.
    #expect(try await house.sessions.verify(house.grace.token) == nil)
    #expect(try await house.sessions.purge() == 1)
    house.clock.advance(seconds: 31 * day)
    #expect(try await house.sessions.verify(house.ada.token) == nil)
  }

  @Test func logoutKillsTheToken() async throws {
    let house = try await House()
    try await house.accounts.logout(cookie: house.cookie(house.ada))
    #expect(try await house.sessions.verify(house.ada.token) == nil)
    try await house.accounts.logout(cookie: house.cookie(house.ada))
    try await house.accounts.logout(cookie: nil)
    #expect(try await house.sessions.verify(house.grace.token) != nil)
  }

  @Test func sessionsOutliveARestart() async throws {
    let house = try await House()
    try await house.database.close()
    let database = try SQLiteDatabase(path: house.folder.path + "/config.sqlite")
    #expect(try await ConsoleSessions(database, clock: house.clock.read).verify(house.ada.token)?.userID == house.ada.user.id)
    #expect(try await APIKeys(database, clock: house.clock.read).verify(house.adaKey.secret)?.id == house.adaKey.key.id)
  }

  @Test func writesAndReadsCookies() {
    let cookie = ConsoleSessions.cookie("abc", secure: true)
    #expect(cookie == "emban_session=abc; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure")
    #expect(ConsoleSessions.cookie("abc", secure: false).hasPrefix("emban_session=abc; "))
    #expect(ConsoleSessions.clearingCookie(secure: true).hasPrefix("emban_session=; "))
    #expect(!ConsoleSessions.cookie("abc", secure: false).contains("Secure"))
    #expect(ConsoleSessions.clearingCookie(secure: false).contains("Max-Age=0"))
    #expect(ConsoleSessions.token(inCookieHeader: "a=b; emban_session=xyz;c=d") == "xyz")
    #expect(ConsoleSessions.token(inCookieHeader: "emban_session=; a=b") == nil)
    #expect(ConsoleSessions.token(inCookieHeader: "not_emban_session=xyz") == nil)
    #expect(ConsoleSessions.token(inCookieHeader: nil) == nil)
  }
}

@Suite struct APIKeysTests {
  @Test func issuesKeysOfTheContractsForm() async throws {
    let house = try await House()
    let minted = try await house.keys.issue(
      house.ada.organization.id, environment: .development, name: "Ingest", scope: .ingest, by: house.ada.user.id.rawValue)
    #expect(minted.secret.hasPrefix("eb_ing_") && minted.secret.utf8.count == 45)
    #expect(minted.key.prefix == String(minted.secret.prefix(8)))
    #expect(house.adaKey.secret.hasPrefix("eb_adm_") && house.adaKey.key.environment == .production)
    let found = try #require(try await house.keys.verify(minted.secret))
    #expect(found.id == minted.key.id && found.scope == .ingest && found.environment == .development)
  }

  @Test func refusesWhatIsNoKey() async throws {
    let house = try await House()
    let secret = house.adaKey.secret
    var mistyped = Array(secret)
    mistyped[20] = mistyped[20] == "a" ? "b" : "a"
    let other = secret.replacingOccurrences(of: "eb_adm_", with: "eb_ing_")
    for text in ["", "eb_adm_", secret + "x", String(secret.dropLast()), String(mistyped), other, " " + secret, "' OR 1=1 --"] {
      #expect(try await house.keys.verify(text) == nil, "\(text)")
    }
    #expect(try await house.keys.verify(secret) != nil)
  }

  @Test func revokedKeysDieAtOnceHereAndWithinASecondElsewhere() async throws {
    let house = try await House()
    let elsewhere = APIKeys(house.database, clock: house.clock.read)
    #expect(try await house.keys.verify(house.adaKey.secret) != nil)
    #expect(try await elsewhere.verify(house.adaKey.secret) != nil)
    #expect(try await house.keys.revoke(house.grace.organization.id, house.adaKey.key.id) == nil)
    #expect(try await house.keys.revoke(house.ada.organization.id, house.adaKey.key.id)?.revokedAt == house.clock.now)
    #expect(try await house.keys.verify(house.adaKey.secret) == nil)
    house.clock.advance(seconds: 1)
    #expect(try await elsewhere.verify(house.adaKey.secret) == nil)
  }

  @Test func notesTheLastUseAtMostOnceAMinute() async throws {
    let house = try await House()
    let repository = APIKeyRepository(house.database)
    func lastUse() async throws -> Instant? {
      try await repository.get(house.ada.organization.id, house.adaKey.key.id)?.lastUsedAt
    }
    #expect(try await lastUse() == nil)
    let first = house.clock.now
    _ = try await house.keys.verify(house.adaKey.secret)
    #expect(try await lastUse() == first)
    house.clock.advance(seconds: 59)
    _ = try await house.keys.verify(house.adaKey.secret)
    #expect(try await lastUse() == first)
    house.clock.advance(seconds: 1)
    _ = try await house.keys.verify(house.adaKey.secret)
    #expect(try await lastUse() == house.clock.now)
  }
}
