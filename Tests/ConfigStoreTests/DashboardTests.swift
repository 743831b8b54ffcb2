import ConfigStore
import Domain
import Testing

@Suite struct DashboardTests {
  let config: JSONValue = ["name": "Usage", "widgets": [["id": "w_1"]]]

  private func draft(_ store: Store, slug: String = "usage") async throws -> StoredDashboard {
    try await DashboardRepository(store.database).create(
      store.organization, slug: slug, name: "Usage", config: config, by: store.user.rawValue, at: Store.start)
  }

  @Test func findsByIdAndSlugOnlyInsideTheOrganization() async throws {
    let store = try await Store()
    let (other, _) = try await Store.register("grace@example.com", in: store.database)
    let dashboards = DashboardRepository(store.database)
    let made = try await draft(store)
    #expect(made.revision == 1 && made.publishedVersion == nil && made.lastVersion == 0)
    #expect(made.config["slug"] == "usage")
    #expect(try await dashboards.get(store.organization, "usage") == made)
    #expect(try await dashboards.get(store.organization, made.id.rawValue) == made)
    for reference in ["usage", made.id.rawValue] {
      #expect(try await dashboards.get(other, reference) == nil)
      let deletion = try await appError { try await dashboards.delete(other, reference) }
      #expect(deletion?.code == "dashboard_not_found")
      #expect(try await dashboards.published(other, reference) == nil)
      let update = try await appError {
        _ = try await dashboards.update(other, reference, slug: "x", name: "x", config: [:], by: "x", at: Store.start)
      }
      #expect(update?.code == "dashboard_not_found")
      let publish = try await appError { _ = try await dashboards.publish(other, reference, by: "x", at: Store.start) }
      #expect(publish?.status == 404)
    }
    #expect(try await dashboards.get(store.organization, "usage' OR '1'='1") == nil)
  }

  @Test func namesTheSlugInConflicts() async throws {
    let store = try await Store()
    let dashboards = DashboardRepository(store.database)
    _ = try await draft(store)
    let second = try await draft(store, slug: "other")
    let create = try await appError { _ = try await self.draft(store) }
    let update = try await appError {
      _ = try await dashboards.update(
        store.organization, second.id.rawValue, slug: "usage", name: "x", config: [:], by: "x", at: Store.start)
    }
    for error in [create, update] {
      #expect(error?.status == 409 && error?.code == "slug_taken" && error?.details.first?.field == "slug")
    }
    let (other, user) = try await Store.register("grace@example.com", in: store.database)
    _ = try await dashboards.create(other, slug: "usage", name: "Usage", config: config, by: user.rawValue, at: Store.start)
  }

  @Test(arguments: ["dash_abc", "", "Usage", "a/b", "-a", "a--b", "ä"])
  func refusesSlugs(slug: String) async throws {
    let store = try await Store()
    let error = try await appError { _ = try await self.draft(store, slug: slug) }
    #expect(error?.status == 422 && error?.details.first?.field == "slug")
  }

  @Test func onlyOneOfManyWritersWinsARevision() async throws {
    let store = try await Store()
    let dashboards = DashboardRepository(store.database)
    let made = try await draft(store)
    let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
      for writer in 0..<100 {
        group.addTask {
          do {
            let saved = try await dashboards.update(
              store.organization, made.id.rawValue, slug: "usage", name: "Writer \(writer)", config: ["writer": .int(writer)],
              expecting: 1, by: "w", at: Store.start)
            return saved.name
          } catch let error as AppError where error.code == "revision_conflict" {
            return error.extra["revision"] == 2 ? "conflict" : "conflict without the revision"
          }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.count { $0 == "conflict" } == 99)
    let winner = try #require(outcomes.first { $0 != "conflict" })
    let now = try #require(try await dashboards.get(store.organization, "usage"))
    #expect(now.revision == 2 && now.name == winner)
  }

  @Test func publishesImmutableNumberedSnapshots() async throws {
    let store = try await Store()
    let dashboards = DashboardRepository(store.database)
    let made = try await draft(store)
    let id = made.id.rawValue
    #expect(try await dashboards.published(store.organization, id) == nil)
    let first = try await dashboards.publish(store.organization, id, expecting: 1, by: "ada", at: Store.start)
    #expect(first.version == 1 && first.revision == 1 && first.config["widgets"] == config["widgets"])
    _ = try await dashboards.update(
      store.organization, id, slug: "usage-2", name: "Changed", config: ["name": "Changed"], expecting: 1, by: "ada", at: Store.start)
    // The draft's edit has not reached viewers.
    #expect(try await dashboards.published(store.organization, "usage-2")?.config["widgets"] == config["widgets"])
    #expect(try await dashboards.published(store.organization, id)?.name == "Usage")
    let stale = try await appError { _ = try await dashboards.publish(store.organization, id, expecting: 1, by: "ada", at: Store.start) }
    #expect(stale?.code == "revision_conflict")
    let second = try await dashboards.publish(store.organization, id, expecting: 2, by: "ada", at: Store.start)
    #expect(second.version == 2 && second.name == "Changed")
    #expect(try await dashboards.version(store.organization, id, 1)?.name == "Usage")
    #expect(try await dashboards.version(store.organization, id, 3) == nil)
    #expect(try await dashboards.countPublished(store.organization) == 1)
    let page = try await dashboards.versions(store.organization, id, PageRequest(limit: 1))
    #expect(page.items.map(\.version) == [2])
    let rest = try await dashboards.versions(store.organization, id, PageRequest(limit: 1, cursor: page.nextCursor))
    #expect(rest.items.map(\.version) == [1] && rest.nextCursor == nil)
  }

  @Test func numbersParallelPublicationsWithoutGaps() async throws {
    let store = try await Store()
    let dashboards = DashboardRepository(store.database)
    let made = try await draft(store)
    let versions = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<20 {
        group.addTask { try await dashboards.publish(store.organization, made.id.rawValue, by: "ada", at: Store.start).version }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(versions.sorted() == Array(1...20))
  }

  @Test func unpublishesAndRestores() async throws {
    let store = try await Store()
    let dashboards = DashboardRepository(store.database)
    let id = try await draft(store).id.rawValue
    let early = try await appError { _ = try await dashboards.restore(store.organization, id, by: "ada", at: Store.start) }
    #expect(early?.code == "nothing_to_restore")
    _ = try await dashboards.publish(store.organization, id, by: "ada", at: Store.start)
    _ = try await dashboards.update(
      store.organization, id, slug: "moved", name: "Changed", config: ["name": "Changed"], by: "ada", at: Store.start)
    #expect(try await dashboards.unpublish(store.organization, id).publishedVersion == nil)
    #expect(try await dashboards.unpublish(store.organization, id).lastVersion == 1)
    #expect(try await dashboards.published(store.organization, id) == nil)
    let restored = try await dashboards.restore(store.organization, id, expecting: 2, by: "grace", at: Store.start.adding(seconds: 5))
    #expect(restored.name == "Usage" && restored.revision == 3 && restored.slug == "moved" && restored.updatedBy == "grace")
    #expect(restored.config["widgets"] == config["widgets"] && restored.config["slug"] == "moved")
    #expect(try await dashboards.publish(store.organization, id, by: "ada", at: Store.start).version == 2)
    let missing = try await appError {
      _ = try await dashboards.restore(store.organization, id, version: 9, by: "ada", at: Store.start)
    }
    #expect(missing?.code == "version_not_found")
  }

  @Test func duplicatesUnderFreeSlugs() async throws {
    let store = try await Store()
    let dashboards = DashboardRepository(store.database)
    let long = try await dashboards.create(
      store.organization, slug: String(repeating: "a", count: Limits.slugLength), name: String(repeating: "ü", count: 100),
      config: config, by: "ada", at: Store.start)
    _ = try await dashboards.publish(store.organization, long.id.rawValue, by: "ada", at: Store.start)
    let copies = [
      try await dashboards.duplicate(store.organization, long.slug, by: "ada", at: Store.start),
      try await dashboards.duplicate(store.organization, long.slug, by: "ada", at: Store.start),
    ]
    #expect(copies[0].slug.hasSuffix("-copy") && copies[1].slug.hasSuffix("-copy-2"))
    for copy in copies {
      #expect(Slug.isValid(copy.slug) && copy.name.utf8.count <= Limits.nameLength && copy.name.hasSuffix(" (copy)"))
      #expect(copy.publishedVersion == nil && copy.lastVersion == 0 && copy.revision == 1)
      #expect(copy.config["widgets"] == config["widgets"])
    }
  }

  @Test func pagesWithoutGapsOrRepetitions() async throws {
    let store = try await Store()
    let dashboards = DashboardRepository(store.database)
    // Several in the same millisecond: the cursor must tell them apart.
    for number in 0..<23 {
      _ = try await dashboards.create(
        store.organization, slug: "d-\(number)", name: "D", config: config, by: "ada",
        at: Store.start.adding(milliseconds: Int64(number / 5)))
    }
    var seen: [String] = []
    var cursor: String?
    repeat {
      let page = try await dashboards.list(store.organization, PageRequest(limit: 4, cursor: cursor))
      seen += page.items.map(\.slug)
      cursor = page.nextCursor
      // Something new at the head of the list disturbs nothing.
      _ = try await dashboards.create(
        store.organization, slug: "new-\(seen.count)", name: "N", config: config, by: "ada", at: Store.start.adding(seconds: 60))
    } while cursor != nil
    #expect(seen.count == 23 && Set(seen).count == 23)
  }

  @Test func deletesWithSnapshotsAndSessions() async throws {
    let store = try await Store()
    let dashboards = DashboardRepository(store.database)
    let made = try await draft(store)
    _ = try await dashboards.publish(store.organization, made.id.rawValue, by: "ada", at: Store.start)
    let stale = try await appError { try await dashboards.delete(store.organization, made.slug, expecting: 7) }
    #expect(stale?.code == "revision_conflict")
    try await dashboards.delete(store.organization, made.slug, expecting: made.revision)
    #expect(try await dashboards.versions(store.organization, made.id.rawValue).items.isEmpty)
    #expect(try await draft(store).revision == 1)
  }
}
