import Access
import ConfigStore
import Domain
import Synchronization
import Testing

@Suite struct InvitesTests {
  private func invites(_ house: House, mail: MailSender? = nil) -> Invites {
    Invites(house.database, publicURL: "https://emban.example.com", mail: mail, clock: house.clock.read)
  }

  private func principal(_ house: House, _ role: Role = .owner) -> UserPrincipal {
    UserPrincipal(
      organizationID: house.ada.organization.id, userID: house.ada.user.id, role: role, sessionID: SessionID("con_x"))
  }

  private func token(_ link: String?) throws -> String {
    let link = try #require(link)
    #expect(link.hasPrefix("https://emban.example.com/app/invite#token="))
    return try #require(link.split(separator: "=").last.map(String.init))
  }

  @Test func makesAMemberOfANewPerson() async throws {
    let house = try await House()
    let sent = try await invites(house).invite(" New@Example.com", as: .editor, by: principal(house))
    let token = try token(sent.link)
    #expect(!"\(sent)".contains(token))
    let offered = try await house.accounts.invite(token: token)
    #expect(offered.organization.name == "Acme" && offered.invite.email.value == "new@example.com" && !offered.hasAccount)
    let short = try await appError { _ = try await house.accounts.acceptInvite(token: token, password: "short") }
    #expect(short?.status == 422 && short?.details.map(\.field) == ["password"])
    let joined = try await house.accounts.acceptInvite(token: token, password: House.password, name: "New")
    #expect(joined.role == .editor && joined.organization.id == house.ada.organization.id && joined.user.name == "New")
    #expect(try await house.sessions.verify(joined.token)?.role == .editor)
    let again = try await appError { _ = try await house.accounts.acceptInvite(token: token, password: House.password) }
    #expect(again?.status == 404 && again?.code == "invite_invalid")
    #expect(try await house.accounts.login(email: "new@example.com", password: House.password).role == .editor)
    try await house.database.close()
    #expect(try house.folder.holds(token) == false)
  }

  @Test func asksThePasswordOfAnAccount() async throws {
    let house = try await House()
    let sent = try await invites(house).invite("grace@example.com", as: .member, by: principal(house))
    let token = try token(sent.link)
    #expect(try await house.accounts.invite(token: token).hasAccount)
    let wrong = try await appError { _ = try await house.accounts.acceptInvite(token: token, password: "not the password") }
    #expect(wrong?.status == 401 && wrong?.code == "invalid_credentials")
    // The organisation joined first comes first.
    house.clock.advance(seconds: 1)
    let joined = try await house.accounts.acceptInvite(token: token, password: House.password)
    #expect(joined.user.id == house.grace.user.id && joined.role == .member)
    let organizations = try await house.accounts.organizations(of: house.grace.user.id)
    #expect(organizations.map(\.role) == [.owner, .member])
    let session = try #require(try await house.sessions.verify(joined.token))
    let principal = UserPrincipal(
      organizationID: session.organizationID, userID: session.userID, role: session.role, sessionID: session.id)
    let back = try await house.accounts.change(principal, to: house.grace.organization.id)
    #expect(back.role == .owner)
    #expect(try await house.sessions.verify(joined.token) == nil)
    let foreign = try await appError { _ = try await house.accounts.change(principal, to: OrganizationID("org_none")) }
    #expect(foreign?.code == "organization_not_found")
  }

  @Test func onlyTheOwnerMakesAdmins() async throws {
    let house = try await House()
    let error = try await appError { _ = try await invites(house).invite("x@example.com", as: .admin, by: principal(house, .admin)) }
    #expect(error?.status == 403)
    let sent = try await invites(house).invite("x@example.com", as: .admin, by: principal(house))
    let again = try await appError { _ = try await invites(house).resend(sent.invite.id, by: principal(house, .admin)) }
    #expect(again?.status == 403)
    let resent = try await invites(house).resend(sent.invite.id, by: principal(house))
    #expect(resent.link != sent.link)
    let old = try await appError { _ = try await house.accounts.invite(token: try token(sent.link)) }
    #expect(old?.code == "invite_invalid")
    let owner = try await appError { _ = try await invites(house).invite("x@example.com", as: .owner, by: principal(house)) }
    #expect(owner?.status == 422 && owner?.details.map(\.field) == ["role"])
  }

  @Test func mailsWhereThereIsAServerAndAnswersTheLinkWhereItFails() async throws {
    let house = try await House()
    let sent = Mutex<[MailMessage]>([])
    let mailed = try await invites(house, mail: { message in sent.withLock { $0.append(message) } })
      .invite("x@example.com", as: .editor, by: principal(house))
    #expect(mailed.link == nil)
    let message = try #require(sent.withLock { $0.first })
    #expect(message.to == "x@example.com" && message.text.contains("https://emban.example.com/app/invite#token="))
    let failed = try await invites(house, mail: { _ in throw AppError.internal(cause: "no mail today") })
      .invite("y@example.com", as: .editor, by: principal(house))
    #expect(failed.link != nil)
  }

  @Test func guessesAreLimited() async throws {
    let house = try await House()
    let guess = String(repeating: "a", count: 43)
    var statuses: [Int] = []
    for _ in 0..<61 {
      statuses.append(
        try await appError { _ = try await house.accounts.invite(token: guess, visitor: Visitor(address: "192.0.2.1")) }?.status ?? 200)
    }
    #expect(statuses == Array(repeating: 404, count: 60) + [429])
  }
}

@Suite struct PasswordResetsTests {
  private func resets(_ house: House, mail: MailSender? = nil) -> PasswordResets {
    PasswordResets(
      house.database, limiter: LoginLimiter(perEmail: .init(attempts: 3, secondsPerAttempt: 600), clock: house.clock.read),
      publicURL: "https://emban.example.com", mail: mail, clock: house.clock.read)
  }

  private func principal(_ house: House) async throws -> UserPrincipal {
    let session = try #require(try await house.sessions.verify(house.ada.token))
    return UserPrincipal(organizationID: session.organizationID, userID: session.userID, role: session.role, sessionID: session.id)
  }

  @Test func setsAForgottenPassword() async throws {
    let house = try await House()
    let address = try #require(EmailAddress("ada@example.com"))
    let link = try #require(try await resets(house).link(for: address))
    let token = try #require(link.split(separator: "=").last.map(String.init))
    #expect(link == "https://emban.example.com/app/reset#token=\(token)")
    let same = try await appError { try await house.accounts.resetPassword(token: token, to: "ADA@example.com") }
    #expect(same?.status == 422)
    try await house.accounts.resetPassword(token: token, to: "another long password")
    #expect(try await house.sessions.verify(house.ada.token) == nil)
    _ = try await house.accounts.login(email: "ada@example.com", password: "another long password")
    let again = try await appError { try await house.accounts.resetPassword(token: token, to: "a third long password") }
    #expect(again?.status == 404 && again?.code == "reset_link_invalid")
    #expect(try await resets(house).link(for: try #require(EmailAddress("nobody@example.com"))) == nil)
  }

  @Test func linksExpire() async throws {
    let house = try await House()
    let address = try #require(EmailAddress("ada@example.com"))
    let link = try #require(try await resets(house).link(for: address))
    house.clock.advance(seconds: Double(Limits.operatorResetSeconds))
    let token = try #require(link.split(separator: "=").last.map(String.init))
    let error = try await appError { try await house.accounts.resetPassword(token: token, to: "another long password") }
    #expect(error?.code == "reset_link_invalid")
  }

  @Test func tellsNobodyWhoHasAnAccount() async throws {
    let house = try await House()
    let sent = Mutex<[String]>([])
    let resets = resets(house, mail: { message in sent.withLock { $0.append(message.to) } })
    for email in ["nobody@example.com", "ada@example.com"] {
      #expect(try resets.request(email) == .mail)
    }
    let mails = Task { await resets.run() }
    // The second mail was asked for after the first: when it is there, nothing more comes of the first.
    while sent.withLock(\.isEmpty) { await Task.yield() }
    mails.cancel()
    await mails.value
    #expect(sent.withLock(\.self) == ["ada@example.com"])
    #expect(try self.resets(house).request("ada@example.com") == .operator)
  }

  /// A refusal would let strangers keep people from asking: the answer stays the same, and no more mails are sent.
  @Test func limitsMailsAndRefusesNobody() async throws {
    let house = try await House()
    let sent = Mutex<[String]>([])
    let resets = resets(house, mail: { message in sent.withLock { $0.append(message.to) } })
    let stranger = Visitor(address: "192.0.2.1")
    for _ in 0..<6 { #expect(try resets.request("ADA@example.com", visitor: stranger) == .mail) }
    #expect(try resets.request("ada@example.com", visitor: Visitor(address: "192.0.2.2")) == .mail)
    #expect(throws: AppError.self) { try resets.request("nobody") }
    #expect(try resets.request("grace@example.com") == .mail)
    let mails = Task { await resets.run() }
    // Three that the stranger asked for, one from elsewhere, and Grace's.
    while sent.withLock(\.count) < 5 { await Task.yield() }
    mails.cancel()
    await mails.value
    #expect(sent.withLock { $0.filter { $0 == "ada@example.com" }.count } == 4)
    for _ in 0..<54 { _ = try resets.request("ada@example.com", visitor: stranger) }
    let refused = #expect(throws: AppError.self) { try resets.request("grace@example.com", visitor: stranger) }
    #expect(refused?.status == 429)
  }

  /// A mail server that hangs with one mail must not keep the others waiting.
  @Test func sendsAFewMailsAtOnce() async throws {
    let house = try await House()
    let sent = Mutex<[String]>([])
    let resets = resets(
      house,
      mail: { message in
        if message.to == "ada@example.com" { try await Task.sleep(for: .seconds(3_600)) }
        sent.withLock { $0.append(message.to) }
      })
    #expect(try resets.request("ada@example.com") == .mail)
    #expect(try resets.request("grace@example.com") == .mail)
    let mails = Task { await resets.run() }
    while sent.withLock(\.isEmpty) { await Task.yield() }
    mails.cancel()
    await mails.value
    #expect(sent.withLock(\.self) == ["grace@example.com"])
  }

  @Test func anOperatorsLinkIsWrittenDown() async throws {
    let house = try await House()
    _ = try await resets(house).link(for: try #require(EmailAddress("ada@example.com")))
    let entries = try await AuditRepository(house.database).list(house.ada.organization.id, AuditFilter(action: "user.reset_link")).items
    #expect(entries.map(\.actor) == ["system"] && entries.map(\.entityID) == [house.ada.user.id.rawValue])
    #expect(
      try await AuditRepository(house.database).list(house.grace.organization.id, AuditFilter(action: "user.reset_link")).items.isEmpty)
  }

  /// Strangers who guess at the address must not keep its owner from changing the password.
  @Test func guessesOfStrangersDoNotKeepAPersonFromChangingThePassword() async throws {
    let house = try await House()
    for number in 0..<120 {
      _ = try? await house.accounts.login(email: "ada@example.com", password: "guess", visitor: Visitor(address: "192.0.2.\(number)"))
    }
    let shut = try await appError { _ = try await house.accounts.login(email: "ada@example.com", password: House.password) }
    #expect(shut?.status == 429)
    let token = try await house.accounts.changePassword(of: try await principal(house), from: House.password, to: "another long password")
    #expect(token != nil)
  }

  /// The password is changed, so that is answered and written down wherever the person still is.
  @Test func whoWasRemovedMeanwhileHasChangedThePassword() async throws {
    let house = try await House()
    let membership = Membership(
      organizationID: house.ada.organization.id, userID: house.grace.user.id, role: .editor, createdAt: house.clock.now)
    try await MembershipRepository(house.database).put(membership)
    let session = try await house.sessions.create(membership).session
    let grace = UserPrincipal(organizationID: membership.organizationID, userID: membership.userID, role: .editor, sessionID: session.id)
    try await MembershipRepository(house.database).remove(membership.organizationID, membership.userID)
    #expect(try await house.accounts.changePassword(of: grace, from: House.password, to: "another long password") == nil)
    let audit = AuditRepository(house.database)
    let filter = AuditFilter(action: "user.password_change")
    #expect(try await audit.list(house.grace.organization.id, filter).items.count == 1)
    #expect(try await audit.list(house.ada.organization.id, filter).items.isEmpty)
    _ = try await house.accounts.login(email: "grace@example.com", password: "another long password")
  }

  @Test func changesAPassword() async throws {
    let house = try await House()
    let elsewhere = try await house.accounts.login(email: "ada@example.com", password: House.password)
    let person = try await principal(house)
    let wrong = try await appError {
      _ = try await house.accounts.changePassword(of: person, from: "not the password", to: "another long password")
    }
    #expect(wrong?.status == 401 && wrong?.code == "invalid_credentials")
    let short = try await appError { _ = try await house.accounts.changePassword(of: person, from: House.password, to: "short") }
    #expect(short?.details.map(\.field) == ["password"])
    let token = try await house.accounts.changePassword(of: person, from: House.password, to: "another long password")
    let fresh = try #require(token)
    #expect(try await house.sessions.verify(fresh) != nil)
    #expect(try await house.sessions.verify(elsewhere.token) == nil)
    #expect(try await house.sessions.verify(house.ada.token) == nil)
    let actions = try await AuditRepository(house.database).list(house.ada.organization.id).items.map(\.action)
    #expect(actions.contains("user.password_change"))
  }

  @Test func listsAndEndsSessions() async throws {
    let house = try await House()
    let visitor = Visitor(address: "192.0.2.7", userAgent: "Browser\u{7}/1.0")
    let other = try await house.accounts.login(email: "ada@example.com", password: House.password, visitor: visitor)
    let listed = try await house.sessions.list(of: house.ada.user.id)
    #expect(listed.count == 2 && listed.contains { $0.address == "192.0.2.7" && $0.userAgent == "Browser/1.0" })
    let id = try #require(try await house.sessions.verify(other.token)?.id)
    #expect(try await house.sessions.end(id, of: house.grace.user.id) == nil)
    #expect(try await house.sessions.end(id, of: house.ada.user.id) == house.ada.organization.id)
    #expect(try await house.sessions.verify(other.token) == nil)
    #expect(try await house.sessions.endAll(of: house.ada.user.id) == 1)
    #expect(try await house.sessions.verify(house.grace.token) != nil)
  }
}
