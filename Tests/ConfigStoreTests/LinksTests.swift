import ConfigStore
import Domain
import Testing

/// Links and sessions that must not outlive those who made them, and what is written down together with the change.
@Suite struct LinksTests {
  private func member(_ store: Store, _ role: Role, _ email: String = "member@example.com") async throws -> UserID {
    let (_, user) = try await Store.register(email, in: store.database)
    try await MembershipRepository(store.database).put(
      Membership(organizationID: store.organization, userID: user, role: role, createdAt: Store.start))
    return user
  }

  private func invite(_ store: Store, _ email: String, by user: UserID, role: Role = .editor) throws -> Invite {
    Invite(
      id: InviteID(IDGenerator.make("inv")), organizationID: store.organization, email: try #require(EmailAddress(email)), role: role,
      createdBy: user.rawValue, createdAt: Store.start, expiresAt: Store.start.adding(seconds: 100))
  }

  private func entry(_ store: Store, _ action: String, in organization: OrganizationID? = nil) -> AuditEntry {
    AuditEntry(
      organizationID: organization ?? store.organization, at: Store.start, actor: store.user.rawValue, action: action, entity: "x",
      entityID: "x")
  }

  private func actions(_ store: Store, _ organization: OrganizationID? = nil) async throws -> [String] {
    try await AuditRepository(store.database).list(organization ?? store.organization).items.map(\.action).sorted()
  }

  private func session(_ store: Store, _ id: String, seen: Double = 0) -> ConsoleSession {
    ConsoleSession(
      id: SessionID(id), userID: store.user, organizationID: store.organization, role: .owner, createdAt: Store.start,
      expiresAt: Store.start.adding(seconds: 10_000), lastSeenAt: Store.start.adding(seconds: seen))
  }

  /// Whoever sends an invite again sees its link: it goes with them when they go.
  @Test func anInviteIsOfWhoeverSentItLast() async throws {
    let store = try await Store()
    let invites = InviteRepository(store.database)
    let members = MembershipRepository(store.database)
    let admin = try await member(store, .admin)
    let sent = try invite(store, "new@example.com", by: store.user)
    try await invites.put(sent, tokenHash: "a")
    let renewed = try await invites.renew(store.organization, sent.id, by: admin, tokenHash: "b", expiresAt: sent.expiresAt)
    #expect(renewed?.createdBy == admin.rawValue)
    _ = try await members.remove(admin, from: store.organization, ofRoles: [.admin])
    #expect(try await invites.find(tokenHash: "b", at: Store.start) == nil)
  }

  @Test func whoMayNotInviteSendsNoInviteAgain() async throws {
    let store = try await Store()
    let invites = InviteRepository(store.database)
    let admin = try await member(store, .admin)
    let sent = try invite(store, "new@example.com", by: store.user, role: .admin)
    try await invites.put(sent, tokenHash: "a")
    for (sender, role) in [(admin, Role.admin), (admin, .editor), (UserID("usr_none"), .editor)] {
      if sender == admin {
        try await MembershipRepository(store.database).put(
          Membership(organizationID: store.organization, userID: admin, role: role, createdAt: Store.start))
      }
      let refused = try await appError {
        _ = try await invites.renew(store.organization, sent.id, by: sender, tokenHash: "b", expiresAt: sent.expiresAt)
      }
      #expect(refused?.status == 403 && refused?.code == "insufficient_scope")
    }
    // Nothing of it has happened: the first link is as good as before.
    #expect(try await invites.find(tokenHash: "a", at: Store.start)?.invite.createdBy == store.user.rawValue)
  }

  /// Only an owner invites admins, so a former one has invited none.
  @Test func handingOverEndsTheInvitesOfAdmins() async throws {
    let store = try await Store()
    let invites = InviteRepository(store.database)
    let heir = try await member(store, .admin)
    try await invites.put(try invite(store, "admin@example.com", by: store.user, role: .admin), tokenHash: "a")
    try await invites.put(try invite(store, "editor@example.com", by: store.user), tokenHash: "b")
    _ = try await MembershipRepository(store.database).transfer(store.organization, from: store.user, to: heir)
    #expect(try await invites.find(tokenHash: "a", at: Store.start) == nil)
    #expect(try await invites.find(tokenHash: "b", at: Store.start) != nil)
  }

  /// Anybody can have a mail sent to an address; an operator's link is on its way by hand.
  @Test func aMailedLinkDoesNotEndAnOperators() async throws {
    let store = try await Store()
    let resets = PasswordResetRepository(store.database)
    let end = Store.start.adding(seconds: 10)
    try await resets.put(tokenHash: "a", for: store.user, from: .operator, createdAt: Store.start, expiresAt: end)
    try await resets.put(tokenHash: "b", for: store.user, from: .mail, createdAt: Store.start, expiresAt: end)
    #expect(try await resets.find(tokenHash: "a", at: Store.start)?.id == store.user)
    #expect(try await resets.find(tokenHash: "b", at: Store.start)?.id == store.user)
    try await resets.put(tokenHash: "c", for: store.user, from: .operator, createdAt: Store.start, expiresAt: end)
    #expect(try await resets.find(tokenHash: "a", at: Store.start) == nil)
    // One that was used ends the other.
    #expect(try await resets.use(tokenHash: "c", passwordHash: "new", at: Store.start))
    #expect(try await resets.find(tokenHash: "b", at: Store.start) == nil)
  }

  /// A login that was proven just before the password was changed must not open a session just after.
  @Test func aSessionNeedsThePasswordThatWasProven() async throws {
    let store = try await Store()
    let sessions = SessionRepository(store.database)
    #expect(try await sessions.insert(session(store, "one"), tokenHash: "one", ifPasswordIs: "none"))
    try await UserRepository(store.database).setPasswordHash("new", of: store.user, replacing: "none", signingOut: true)
    #expect(try await sessions.insert(session(store, "two"), tokenHash: "two", ifPasswordIs: "none") == false)
    #expect(try await sessions.list(of: store.user, at: Store.start).isEmpty)
  }

  @Test func aSessionTakesThePlaceOfOneThatHasNotEnded() async throws {
    let store = try await Store()
    let sessions = SessionRepository(store.database)
    try await sessions.insert(session(store, "one"), tokenHash: "one")
    #expect(try await sessions.insert(session(store, "two"), tokenHash: "two", replacing: SessionID("one")))
    #expect(try await sessions.insert(session(store, "three"), tokenHash: "three", replacing: SessionID("one")) == false)
    #expect(try await sessions.list(of: store.user, at: Store.start).map(\.id.rawValue) == ["two"])
  }

  @Test func keepsTheSessionsVisitedLast() async throws {
    let store = try await Store()
    let sessions = SessionRepository(store.database)
    for number in 0..<Limits.consoleSessions {
      try await sessions.insert(session(store, "\(number)", seen: Double(number + 1)), tokenHash: "\(number)")
    }
    // The newest stays even though it was visited before all others, by a clock that was set back.
    try await sessions.insert(session(store, "new"), tokenHash: "new")
    let left = Set(try await sessions.list(of: store.user, at: Store.start).map(\.id.rawValue))
    #expect(left.count == Limits.consoleSessions && left.contains("new") && !left.contains("0") && left.contains("1"))
  }

  @Test func writesDownWhatWasDoneAndNothingElse() async throws {
    let store = try await Store()
    let members = MembershipRepository(store.database)
    let invites = InviteRepository(store.database)
    let keys = APIKeyRepository(store.database)
    let user = try await member(store, .editor)
    _ = try await members.setRole(.admin, of: user, in: store.organization) { [self] change in
      entry(store, "role \(change.before) \(change.member.role)")
    }
    let sent = try invite(store, "new@example.com", by: user)
    try await invites.put(sent, tokenHash: "a") { [self] in entry(store, "invite \($0.email)") }
    _ = try await invites.renew(store.organization, sent.id, by: user, tokenHash: "b", expiresAt: sent.expiresAt) { [self] _ in
      entry(store, "resend")
    }
    _ = try await invites.delete(store.organization, sent.id) { [self] _ in entry(store, "withdraw") }
    let key = APIKey(
      id: KeyID("key_1"), organizationID: store.organization, environment: .production, name: "K", scope: .ingest, prefix: "eb_ing_a",
      createdBy: "ada", createdAt: Store.start)
    try await keys.insert(key, hash: "hash") { [self] in entry(store, "key \($0.name)") }
    _ = try await keys.revoke(store.organization, key.id, at: Store.start) { [self] _ in entry(store, "revoke") }
    _ = try await members.remove(user, from: store.organization, ofRoles: [.admin]) { [self] in entry(store, "remove \($0.email)") }
    let done = ["invite new@example.com", "key K", "remove member@example.com", "resend", "revoke", "role editor admin", "withdraw"]
    #expect(try await actions(store) == done)

    // What is refused is not written down.
    _ = try await keys.revoke(store.organization, key.id, at: Store.start) { [self] _ in entry(store, "again") }
    _ = try await invites.delete(store.organization, sent.id) { [self] _ in entry(store, "again") }
    _ = try await appError {
      _ = try await members.remove(store.user, from: store.organization, ofRoles: [.admin]) { [self] _ in entry(store, "again") }
    }
    _ = try await appError {
      try await invites.put(try invite(store, "x@example.com", by: user), tokenHash: "c") { [self] _ in entry(store, "again") }
    }
    #expect(try await actions(store) == done)
  }

  /// Neither is there without the other.
  @Test func aChangeThatCannotBeWrittenDownIsNotMade() async throws {
    let store = try await Store()
    let members = MembershipRepository(store.database)
    let user = try await member(store, .editor)
    let nowhere = entry(store, "remove", in: OrganizationID("org_none"))
    await #expect(throws: ConfigStoreError.foreignKeyViolation) {
      _ = try await members.remove(user, from: store.organization, ofRoles: [.editor]) { _ in nowhere }
    }
    #expect(try await members.get(store.organization, user)?.role == .editor)
  }

  /// A password opens every organisation of the person.
  @Test func everyOrganizationIsToldOfAPassword() async throws {
    let store = try await Store()
    let (other, _) = try await Store.register("grace@example.com", in: store.database)
    try await MembershipRepository(store.database).put(
      Membership(organizationID: other, userID: store.user, role: .member, createdAt: Store.start))
    try await UserRepository(store.database).setPasswordHash("new", of: store.user, replacing: "stale") { [self] in
      entry(store, "stale", in: $0.organizationID)
    }
    try await UserRepository(store.database).setPasswordHash("new", of: store.user, replacing: "none") { [self] in
      entry(store, "change", in: $0.organizationID)
    }
    let resets = PasswordResetRepository(store.database)
    try await resets.put(
      tokenHash: "a", for: store.user, from: .operator, createdAt: Store.start, expiresAt: Store.start.adding(seconds: 10)
    ) { [self] in entry(store, "link", in: $0.organizationID) }
    _ = try await resets.use(tokenHash: "a", passwordHash: "newer", at: Store.start) { [self] in
      entry(store, "reset", in: $0.organizationID)
    }
    _ = try await SessionRepository(store.database).deleteAll(of: store.user) { [self] in
      entry(store, "end \($0.ended)", in: $0.membership.organizationID)
    }
    for organization in [store.organization, other] {
      #expect(try await actions(store, organization) == ["change", "end 0", "link", "reset"])
    }
  }
}
