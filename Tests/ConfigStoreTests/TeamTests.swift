import ConfigStore
import Domain
import Testing

@Suite struct TeamTests {
  /// A store with members of these roles beside the owner.
  private func team(_ roles: Role...) async throws -> (store: Store, members: [UserID]) {
    let store = try await Store()
    var members: [UserID] = []
    for (index, role) in roles.enumerated() {
      let (_, user) = try await Store.register("member\(index)@example.com", in: store.database)
      try await MembershipRepository(store.database).put(
        Membership(organizationID: store.organization, userID: user, role: role, createdAt: Store.start.adding(seconds: Double(index + 1))))
      members.append(user)
    }
    return (store, members)
  }

  private func invite(_ store: Store, _ email: String, by user: UserID, role: Role = .editor, seconds: Double = 100) throws -> Invite {
    Invite(
      id: InviteID(IDGenerator.make("inv")), organizationID: store.organization, email: try #require(EmailAddress(email)), role: role,
      createdBy: user.rawValue, createdAt: Store.start, expiresAt: Store.start.adding(seconds: seconds))
  }

  private func newcomer(_ email: String) throws -> User {
    User(
      id: UserID(IDGenerator.make("usr")), email: try #require(EmailAddress(email)), name: "New", passwordHash: "none",
      createdAt: Store.start)
  }

  @Test func listsMembersNewestFirst() async throws {
    let (store, members) = try await team(.admin, .editor, .member)
    let repository = MembershipRepository(store.database)
    let first = try await repository.members(store.organization, try PageRequest(limit: 3))
    #expect(first.items.map(\.userID) == [members[2], members[1], members[0]])
    #expect(first.items.map(\.email.value) == ["member2@example.com", "member1@example.com", "member0@example.com"])
    let rest = try await repository.members(store.organization, try PageRequest(limit: 3, cursor: first.nextCursor))
    #expect(rest.items.map(\.role) == [.owner] && rest.nextCursor == nil)
  }

  @Test func changesRolesButNotTheOwners() async throws {
    let (store, members) = try await team(.admin)
    let repository = MembershipRepository(store.database)
    try await InviteRepository(store.database).put(try invite(store, "new@example.com", by: members[0]), tokenHash: "a")
    let changed = try await repository.setRole(.editor, of: members[0], in: store.organization)
    #expect(changed.before == .admin && changed.member.role == .editor)
    // Whoever may no longer invite has invited nobody.
    #expect(try await InviteRepository(store.database).list(store.organization, at: Store.start).items.isEmpty)
    let owner = try await appError { _ = try await repository.setRole(.admin, of: store.user, in: store.organization) }
    #expect(owner?.status == 409 && owner?.code == "owner_stays")
    let crowned = try await appError { _ = try await repository.setRole(.owner, of: members[0], in: store.organization) }
    #expect(crowned?.code == "owner_stays")
    let stranger = try await appError { _ = try await repository.setRole(.admin, of: UserID("usr_none"), in: store.organization) }
    #expect(stranger?.status == 404 && stranger?.code == "member_not_found")
  }

  @Test func removesOnlyWhomTheCallerMay() async throws {
    let (store, members) = try await team(.admin, .editor)
    let repository = MembershipRepository(store.database)
    try await SessionRepository(store.database).insert(
      ConsoleSession(
        id: SessionID("one"), userID: members[1], organizationID: store.organization, role: .editor, createdAt: Store.start,
        expiresAt: Store.start.adding(seconds: 10), lastSeenAt: Store.start), tokenHash: "one")
    let refused = try await appError {
      _ = try await repository.remove(members[0], from: store.organization, ofRoles: [.editor, .member])
    }
    #expect(refused?.status == 403)
    let owner = try await appError {
      _ = try await repository.remove(store.user, from: store.organization, ofRoles: Set(Role.allCases))
    }
    #expect(owner?.code == "owner_stays")
    #expect(try await repository.remove(members[1], from: store.organization, ofRoles: [.editor]).role == .editor)
    #expect(try await SessionRepository(store.database).find(tokenHash: "one", at: Store.start) == nil)
    let gone = try await appError { _ = try await repository.remove(members[1], from: store.organization, ofRoles: [.editor]) }
    #expect(gone?.code == "member_not_found")
  }

  @Test func handsTheOwnershipOver() async throws {
    let (store, members) = try await team(.editor)
    let repository = MembershipRepository(store.database)
    let nobody = try await appError {
      _ = try await repository.transfer(store.organization, from: store.user, to: UserID("usr_none"))
    }
    #expect(nobody?.code == "member_not_found")
    let oneself = try await appError { _ = try await repository.transfer(store.organization, from: store.user, to: store.user) }
    #expect(oneself?.code == "owner_stays")
    #expect(try await repository.get(store.organization, store.user)?.role == .owner)
    #expect(try await repository.transfer(store.organization, from: store.user, to: members[0]).role == .owner)
    #expect(try await repository.get(store.organization, store.user)?.role == .admin)
    let again = try await appError { _ = try await repository.transfer(store.organization, from: store.user, to: members[0]) }
    #expect(again?.code == "owner_stays")
  }

  @Test func anInviteWorksOnce() async throws {
    let (store, _) = try await team()
    let invites = InviteRepository(store.database)
    try await invites.put(try invite(store, "new@example.com", by: store.user), tokenHash: "a")
    let person = try newcomer("new@example.com")
    let other = try newcomer("other@example.com")
    #expect(try await invites.accept(tokenHash: "a", by: other, isNew: true, at: Store.start) == nil)
    #expect(try await invites.find(tokenHash: "a", at: Store.start)?.organization.name == "Acme")
    #expect(try await invites.accept(tokenHash: "a", by: person, isNew: true, at: Store.start)?.role == .editor)
    #expect(try await invites.accept(tokenHash: "a", by: person, isNew: false, at: Store.start) == nil)
    #expect(try await MembershipRepository(store.database).get(store.organization, person.id)?.role == .editor)
  }

  /// Of many who accept at the same moment one becomes a member, and of the others nothing is left.
  @Test func anInviteWorksOnceAtTheSameMoment() async throws {
    let (store, _) = try await team()
    let invites = InviteRepository(store.database)
    try await invites.put(try invite(store, "new@example.com", by: store.user), tokenHash: "a")
    let people = try (0..<8).map { _ in try newcomer("new@example.com") }
    let accepted = try await withThrowingTaskGroup(of: Membership?.self) { group in
      for person in people { group.addTask { try await invites.accept(tokenHash: "a", by: person, isNew: true, at: Store.start) } }
      var found: [Membership] = []
      for try await membership in group { if let membership { found.append(membership) } }
      return found
    }
    #expect(accepted.count == 1)
    #expect(try await MembershipRepository(store.database).list(in: store.organization).count == 2)
  }

  @Test func invitesEndAndAreReplaced() async throws {
    let (store, _) = try await team()
    let invites = InviteRepository(store.database)
    let first = try invite(store, "new@example.com", by: store.user, seconds: 10)
    try await invites.put(first, tokenHash: "a")
    #expect(try await invites.find(tokenHash: "a", at: Store.start.adding(seconds: 10)) == nil)
    let second = try invite(store, "new@example.com", by: store.user)
    try await invites.put(second, tokenHash: "b")
    #expect(try await invites.find(tokenHash: "a", at: Store.start) == nil)
    #expect(try await invites.list(store.organization, at: Store.start).items.map(\.id) == [second.id])
    let end = Store.start.adding(seconds: 500)
    #expect(try await invites.renew(store.organization, second.id, by: store.user, tokenHash: "c", expiresAt: end) != nil)
    #expect(try await invites.find(tokenHash: "b", at: Store.start) == nil)
    #expect(try await invites.find(tokenHash: "c", at: Store.start.adding(seconds: 499)) != nil)
    #expect(try await invites.delete(store.organization, second.id)?.id == second.id)
    #expect(try await invites.find(tokenHash: "c", at: Store.start) == nil)
    let member = try await appError { try await invites.put(try invite(store, "ada@example.com", by: store.user), tokenHash: "d") }
    #expect(member?.status == 409 && member?.code == "already_member")
  }

  @Test func boundsOpenInvites() async throws {
    let (store, _) = try await team()
    let invites = InviteRepository(store.database)
    for number in 0..<Limits.openInvites {
      try await invites.put(try invite(store, "new\(number)@example.com", by: store.user), tokenHash: "\(number)")
    }
    let error = try await appError { try await invites.put(try invite(store, "more@example.com", by: store.user), tokenHash: "more") }
    #expect(error?.code == "too_many_invites")
    // Another one to somebody who was invited takes the place of the first.
    try await invites.put(try invite(store, "new0@example.com", by: store.user), tokenHash: "again")
    #expect(try await invites.purge(at: Store.start.adding(seconds: 100)) == Limits.openInvites)
  }

  @Test func aLinkToSetAPasswordWorksOnce() async throws {
    let (store, _) = try await team()
    let resets = PasswordResetRepository(store.database)
    let end = Store.start.adding(seconds: 10)
    try await resets.put(tokenHash: "a", for: store.user, from: .mail, createdAt: Store.start, expiresAt: end)
    try await resets.put(tokenHash: "b", for: store.user, from: .mail, createdAt: Store.start, expiresAt: end)
    #expect(try await resets.find(tokenHash: "a", at: Store.start) == nil)
    #expect(try await resets.find(tokenHash: "b", at: Store.start)?.id == store.user)
    #expect(try await resets.find(tokenHash: "b", at: end) == nil)
    #expect(try await resets.use(tokenHash: "b", passwordHash: "new", at: end) == false)
    #expect(try await resets.use(tokenHash: "b", passwordHash: "new", at: Store.start))
    #expect(try await resets.use(tokenHash: "b", passwordHash: "newer", at: Store.start) == false)
    #expect(try await UserRepository(store.database).get(store.user)?.passwordHash == "new")
  }

  @Test func namesWhoActed() async throws {
    let (store, _) = try await team()
    let (other, stranger) = try await Store.register("grace@example.com", in: store.database)
    let audit = AuditRepository(store.database)
    let key = try #require(try await APIKeyRepository(store.database).list(store.organization).items.first)
    let foreign = try #require(try await APIKeyRepository(store.database).list(other).items.first)
    let ids: Set = [store.user.rawValue, stranger.rawValue, key.id.rawValue, foreign.id.rawValue, "demo", "'; --"]
    let actors = try await audit.actors(ids, in: store.organization)
    #expect(actors[store.user.rawValue]?.email?.value == "ada@example.com" && actors[key.id.rawValue]?.name == "Default")
    #expect(actors[foreign.id.rawValue] == nil && actors["demo"] == nil)
    #expect(try await audit.actors([], in: store.organization).isEmpty)
  }
}
