import Access
import ConfigStore
import Domain
import Synchronization
import Testing

@Suite struct OrganizationsTests {
  private func principal(_ house: House, _ signedIn: SignedIn) async throws -> UserPrincipal {
    let session = try #require(try await house.sessions.verify(signedIn.token))
    return UserPrincipal(organizationID: session.organizationID, userID: session.userID, role: session.role, sessionID: session.id)
  }

  private func deleteAdas(_ house: House) async throws {
    #expect(
      try await house.accounts.deleteOrganization(of: try await principal(house, house.ada), password: House.password)
        == house.ada.organization.id)
  }

  @Test func nothingOpensADeletedOrganization() async throws {
    let house = try await House()
    let member = try await house.member(.admin)
    let token = try await house.tokens.issue(house.embedSession()).token
    // Known by heart from here on.
    #expect(try await house.keys.verify(house.adaKey.secret) != nil)
    _ = try await house.tokens.verify(token)

    let wrong = try await appError {
      _ = try await house.accounts.deleteOrganization(of: try await principal(house, house.ada), password: "not the password")
    }
    #expect(wrong?.status == 401 && wrong?.code == "invalid_credentials")
    #expect(try await OrganizationRepository(house.database).deleted().isEmpty)

    try await deleteAdas(house)
    house.keys.forget(house.ada.organization.id)
    house.tokens.forget(house.ada.organization.id)
    #expect(try await house.keys.verify(house.adaKey.secret) == nil)
    #expect(try await appError { _ = try await house.tokens.verify(token) }?.status == 401)
    for cookie in [house.cookie(house.ada), member] {
      let token = try #require(ConsoleSessions.token(inCookieHeader: cookie))
      #expect(try await house.sessions.verify(token) == nil)
    }
    let left = try await OrganizationRepository(house.database).deleted(notErased: true)
    #expect(left.map(\.id) == [house.ada.organization.id] && left.map(\.deletedAt) == [house.clock.now])
    #expect(try await house.sessions.verify(house.grace.token) != nil)
  }

  /// The role of the session is that of a moment ago.
  @Test func onlyWhoeverOwnsItNowDeletesIt() async throws {
    let house = try await House()
    let before = try await principal(house, house.ada)
    _ = try await house.member(.admin)
    let heir = try await house.user("admin@example.com")
    _ = try await MembershipRepository(house.database).transfer(before.organizationID, from: before.userID, to: heir.id)
    let refused = try await appError { _ = try await house.accounts.deleteOrganization(of: before, password: House.password) }
    #expect(refused?.status == 403 && refused?.code == "insufficient_scope")
    #expect(try await OrganizationRepository(house.database).get(before.organizationID) != nil)
  }

  @Test func whoBelongsNowhereBeginsAgainWithTheSameAccount() async throws {
    let house = try await House()
    // While Ada has an organisation, the right password is no better than a wrong one.
    for password in [House.password, "not the password"] {
      let taken = try await appError { _ = try await house.accounts.register(email: "ada@example.com", password: password) }
      #expect(taken?.status == 409 && taken?.code == "email_taken" && taken?.details.map(\.field) == ["email"])
    }
    try await deleteAdas(house)
    let nowhere = try await appError { _ = try await house.accounts.login(email: "ada@example.com", password: House.password) }
    #expect(nowhere?.status == 403 && nowhere?.code == "no_organization")
    let wrong = try await appError { _ = try await house.accounts.register(email: "ada@example.com", password: "not the password") }
    #expect(wrong?.code == "email_taken")
    let (ada, key) = try await house.accounts.register(
      email: " ADA@example.com", password: House.password, name: "Somebody Else", organization: "Second  Try")
    #expect(ada.user.id == house.ada.user.id && ada.user.name == house.ada.user.name)
    #expect(ada.organization.name == "Second Try" && ada.organization.id != house.ada.organization.id && ada.role == .owner)
    #expect(try await house.keys.verify(key.secret)?.organizationID == ada.organization.id)
    #expect(try await house.sessions.verify(ada.token)?.role == .owner)
    let written = try await AuditRepository(house.database).list(ada.organization.id)
    #expect(written.items.map(\.action) == ["organization.create"])
    let again = try await appError { _ = try await house.accounts.register(email: "ada@example.com", password: House.password) }
    #expect(again?.code == "email_taken")
  }

  /// Otherwise registering would be a way to guess passwords that nobody counts.
  @Test func registeringCountsAsAnAttemptToSignIn() async throws {
    let house = try await House()
    var codes: [String?] = []
    for _ in 0..<11 {
      codes.append(
        try await appError { _ = try await house.accounts.register(email: "ada@example.com", password: "not the password") }?.code)
    }
    #expect(codes == Array(repeating: "email_taken", count: 10) + ["rate_limited"])
    let login = try await appError { _ = try await house.accounts.login(email: "ada@example.com", password: House.password) }
    #expect(login?.status == 429)
  }

  @Test func makesFurtherOrganizationsUpToALimit() async throws {
    let house = try await House()
    var person = house.ada
    let empty = try await appError {
      _ = try await house.accounts.createOrganization(named: " \n", by: try await principal(house, person))
    }
    #expect(empty?.status == 422 && empty?.details.map(\.field) == ["name"])
    for number in 2...Limits.ownedOrganizations {
      let (next, key) = try await house.accounts.createOrganization(named: "Team \(number)", by: try await principal(house, person))
      // In the new one, and in one at a time.
      #expect(next.role == .owner && next.organization.name == "Team \(number)")
      #expect(try await house.sessions.verify(person.token) == nil)
      #expect(try await house.keys.verify(key.secret)?.organizationID == next.organization.id)
      person = next
    }
    #expect(try await house.accounts.organizations(of: person.user.id).count == Limits.ownedOrganizations)
    let many = try await appError { _ = try await house.accounts.createOrganization(named: "More", by: try await principal(house, person)) }
    #expect(many?.status == 409 && many?.code == "too_many_organizations")
    // The session goes on.
    #expect(try await house.sessions.verify(person.token)?.organizationID == person.organization.id)
  }
}

@Suite struct InviteAbuseTests {
  private func principal(_ house: House, _ user: UserID, _ role: Role) -> UserPrincipal {
    UserPrincipal(organizationID: house.ada.organization.id, userID: user, role: role, sessionID: SessionID("con_x"))
  }

  /// Withdrawing and inviting again must not make the server flood somebody's mailbox.
  @Test func mailsToOneAddressAreLimited() async throws {
    let house = try await House()
    let owner = principal(house, house.ada.user.id, .owner)
    let mails = Mutex(0)
    let invites = Invites(
      house.database, publicURL: "https://emban.example.com", mail: { _ in mails.withLock { $0 += 1 } }, clock: house.clock.read)
    let first = try await invites.invite("x@example.com", as: .member, by: owner)
    for _ in 0..<4 { _ = try await invites.resend(first.invite.id, by: owner) }
    for refused in [
      try await appError { _ = try await invites.resend(first.invite.id, by: owner) },
      try await appError { _ = try await invites.invite("X@example.com", as: .member, by: owner) },
    ] {
      #expect(refused?.status == 429 && refused?.code == "rate_limited")
    }
    #expect(mails.withLock(\.self) == 5)
    _ = try await invites.invite("y@example.com", as: .member, by: owner)
    house.clock.advance(seconds: 600)
    _ = try await invites.resend(first.invite.id, by: owner)
    // Links are handed over by people: nothing to be flooded.
    let links = Invites(house.database, publicURL: "https://emban.example.com", mail: nil, clock: house.clock.read)
    for _ in 0..<10 { _ = try await links.resend(first.invite.id, by: owner) }
  }

  /// A request that began before its sender was demoted or removed leaves nothing behind that outlives that.
  @Test func invitesOfSomebodyWhoMayNoLongerInviteAreNotMade() async throws {
    let house = try await House()
    _ = try await house.member(.admin)
    let user = try await house.user("admin@example.com")
    let invites = Invites(house.database, publicURL: "https://emban.example.com", mail: nil, clock: house.clock.read)
    let members = MembershipRepository(house.database)
    // As the principal was when the request was let in.
    let before = principal(house, user.id, .admin)
    _ = try await invites.invite("first@example.com", as: .member, by: before)
    _ = try await members.setRole(.editor, of: user.id, in: before.organizationID)
    let demoted = try await appError { _ = try await invites.invite("x@example.com", as: .member, by: before) }
    #expect(demoted?.status == 403 && demoted?.code == "insufficient_scope")
    _ = try await members.remove(user.id, from: before.organizationID, ofRoles: [.editor])
    let removed = try await appError { _ = try await invites.invite("x@example.com", as: .member, by: before) }
    #expect(removed?.status == 403)
    #expect(try await invites.list(before.organizationID, .first).items.isEmpty)
  }
}

extension House {
  fileprivate func user(_ address: String) async throws -> User {
    let email = try #require(EmailAddress(address))
    return try #require(try await UserRepository(database).find(email: email))
  }
}
