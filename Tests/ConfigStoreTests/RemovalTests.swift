import ConfigStore
import Domain
import Testing

@Suite struct RemovalTests {
  private let organization = OrganizationID("org_one")

  @Test func oneRemovalOfAnOrganisationAtATime() async throws {
    let store = try await Store()
    let removals = RemovalRepository(store.database)
    #expect(try await removals.begin(organization, id: "a", at: Store.start))
    #expect(try await !removals.begin(organization, id: "b", at: Store.start))
    #expect(try await removals.begin(OrganizationID("org_two"), id: "c", at: Store.start))
    #expect(try await removals.list().map(\.id) == ["a", "c"])
    try await removals.finish(organization, id: "a")
    #expect(try await removals.begin(organization, id: "b", at: Store.start))
  }

  /// A program that was taken for dead and wakes up must not perform what it had in mind, nor end what another has begun.
  @Test func whoWasTakenForDeadDoesNothingAnyMore() async throws {
    let store = try await Store()
    let removals = RemovalRepository(store.database)
    #expect(try await removals.begin(organization, id: "sleeper", at: Store.start))
    try await removals.finish(organization, id: "sleeper")
    #expect(try await removals.begin(organization, id: "next", at: Store.start))
    #expect(try await !removals.fix(organization, id: "sleeper", plan: "{}"))
    try await removals.touch(organization, id: "sleeper", at: Store.start.adding(seconds: 60))
    try await removals.finish(organization, id: "sleeper")
    let found = try await removals.get(organization)
    #expect(found?.id == "next" && found?.plan == nil && found?.touchedAt == Store.start)
    #expect(try await removals.fix(organization, id: "next", plan: "{}"))
    // A plan is written once.
    #expect(try await !removals.fix(organization, id: "next", plan: "[]"))
    #expect(try await removals.get(organization)?.plan == "{}")
  }
}
