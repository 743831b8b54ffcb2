import ConfigStore
import Domain
import Testing

@Suite struct PeopleTests {
  @Test func registersEverythingAtOnce() async throws {
    let store = try await Store()
    #expect(try await OrganizationRepository(store.database).environments(store.organization) == [.development, .production])
    #expect(try await MembershipRepository(store.database).get(store.organization, store.user)?.role == .owner)
    #expect(try await APIKeyRepository(store.database).count(store.organization) == 1)
  }

  @Test func leavesNothingOfASecondRegistration() async throws {
    let store = try await Store()
    let error = try await appError { _ = try await Store.register(" ADA@example.com ", in: store.database) }
    #expect(error?.status == 409 && error?.code == "email_taken" && error?.details.first?.field == "email")
    #expect(try await OrganizationRepository(store.database).all().count == 1)
  }

  @Test func leavesNothingWhenTheLastStepFails() async throws {
    let store = try await Store()
    _ = try await Store.register("grace@example.com", in: store.database, keyHash: "same")
    await #expect(throws: ConfigStoreError.self) {
      _ = try await Store.register("alan@example.com", in: store.database, keyHash: "same")
    }
    let address = try #require(EmailAddress("alan@example.com"))
    #expect(try await UserRepository(store.database).find(email: address) == nil)
  }

  @Test func keepsExactlyOneOwner() async throws {
    let store = try await Store()
    let (_, other) = try await Store.register("grace@example.com", in: store.database)
    let members = MembershipRepository(store.database)
    try await members.put(Membership(organizationID: store.organization, userID: other, role: .editor, createdAt: Store.start))
    let error = try await appError {
      try await members.put(Membership(organizationID: store.organization, userID: other, role: .owner, createdAt: Store.start))
    }
    #expect(error?.code == "owner_exists")
    #expect(try await members.remove(store.organization, store.user) == false)
    #expect(try await members.list(in: store.organization).map(\.role).sorted { $0.rawValue < $1.rawValue } == [.editor, .owner])
  }

  @Test func readsViewerAsMember() {
    #expect(Role(name: "viewer") == .member)
    #expect(Role(name: "owner") == .owner)
    #expect(Role(name: "root") == nil)
  }

  @Test func changesOrganizations() async throws {
    let store = try await Store()
    let organizations = OrganizationRepository(store.database)
    let changed = try await organizations.update(store.organization, plan: "free", allowedOrigins: [])
    #expect(changed.plan == "free" && changed.name == "Acme" && changed.allowedOrigins == [])
    let error = try await appError { _ = try await organizations.update(OrganizationID("org_none"), name: "x") }
    #expect(error?.status == 404)
  }

  @Test func endsConsoleSessions() async throws {
    let store = try await Store()
    let sessions = SessionRepository(store.database)
    let now = Store.start
    for (token, seconds) in [("one", 10.0), ("two", 1_000.0)] {
      try await sessions.insert(
        ConsoleSession(
          id: SessionID(token), userID: store.user, organizationID: store.organization, role: .owner, createdAt: now,
          expiresAt: now.adding(seconds: seconds), lastSeenAt: now), tokenHash: token)
    }
    #expect(try await sessions.find(tokenHash: "one", at: now)?.role == .owner)
    #expect(try await sessions.find(tokenHash: "one", at: now.adding(seconds: 10)) == nil)
    #expect(try await sessions.purge(at: now.adding(seconds: 10)) == 1)
    try await sessions.touch(SessionID("two"), at: now.adding(seconds: 900), expiresAt: now.adding(seconds: 1_900))
    #expect(try await sessions.find(tokenHash: "two", at: now.adding(seconds: 1_500))?.lastSeenAt == now.adding(seconds: 900))
    #expect(try await sessions.delete(tokenHash: "two"))
    #expect(try await sessions.delete(tokenHash: "two") == false)
  }

  @Test func signsOutWithAChangedPassword() async throws {
    let store = try await Store()
    let sessions = SessionRepository(store.database)
    let users = UserRepository(store.database)
    let now = Store.start
    try await sessions.insert(
      ConsoleSession(
        id: SessionID("one"), userID: store.user, organizationID: store.organization, role: .owner, createdAt: now,
        expiresAt: now.adding(seconds: 10), lastSeenAt: now), tokenHash: "one")
    #expect(try await users.setPasswordHash("new", of: store.user, replacing: "stale") == false)
    #expect(try await sessions.find(tokenHash: "one", at: now) != nil)
    #expect(try await users.setPasswordHash("new", of: store.user, replacing: "none", signingOut: true))
    #expect(try await sessions.find(tokenHash: "one", at: now) == nil)
  }
}
