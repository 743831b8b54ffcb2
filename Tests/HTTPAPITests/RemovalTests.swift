import ClickHouse
import ConfigStore
import Domain
import Foundation
import HTTPAPI
import Ingest
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

/// What is removed is gone from every table and from every count, once, whatever dies in between.
/// One at a time: each has a journal of its own, and housekeeping looks at all organisations of the store.
@Suite(.serialized) struct RemovalTests {
  @Test func anErasedTenantIsGoneFromEveryTableAndNobodyElse() async throws {
    let world = try await World()
    // The two spellings of é are two tenants.
    let names = ["acme", "caf\u{e9}", "cafe\u{301}", "O'Brien\\`%2E"]
    for (number, name) in names.enumerated() {
      try await world.store((0..<(number + 2)).map { Row(tenant: name, id: "e\($0)", hoursAgo: Double($0 * 30)) })
      try await world.store([Row(tenant: name, hoursAgo: 1)])
      try await world.store([Row(tenant: name, environment: "development", hoursAgo: 1)])
    }
    #expect(try await world.erase("caf\u{e9}") == 4)
    #expect(try await world.totals("events") == ["acme": 3, "cafe\u{301}": 5, "O'Brien\\`%2E": 6])
    #expect(try await world.totals("event_ids") == ["acme": 2, "cafe\u{301}": 4, "O'Brien\\`%2E": 5])
    #expect(try await world.totals("tenant_days", "sum(n)") == ["acme": 3, "cafe\u{301}": 5, "O'Brien\\`%2E": 6])
    #expect(try await world.erase("caf\u{e9}") == 0)
    #expect(try await world.erase("O'Brien\\`%2E") == 6)
    #expect(try await world.erase("nobody") == 0)
    #expect(try await world.totals("events") == ["acme": 3, "cafe\u{301}": 5])
    #expect(try await world.totals("events", environment: "development").values.sorted() == [1, 1, 1, 1])
    // Told to whoever keeps something of a tenant, also when there was nothing.
    #expect(await world.told.tenants == ["caf\u{e9}", "caf\u{e9}", "O'Brien\\`%2E", "nobody"].map { TenantID($0) })
  }

  @Test func rollupsOfAnErasedTenantCountNoMore() async throws {
    let world = try await World()
    try await world.store([Row(tenant: "acme", hoursAgo: 50), Row(tenant: "globex", hoursAgo: 50)])
    for tenant in ["acme", "globex"] {
      try await world.clickhouse.client.execute(
        """
        INSERT INTO emban.rollup_days (org_id, environment, tenant_id, day, build, n) \
        SELECT org_id, environment, tenant_id, day, 1, n FROM emban.tenant_days \
        WHERE org_id = \(bind: world.organization.rawValue) AND tenant_id = \(bind: tenant)
        """)
    }
    _ = try await world.erase("acme")
    // A build that was being made meanwhile is older than the erasure; the mark of the erasure stands above it.
    #expect(try await world.totals("rollup_days", "argMax(n, build)") == ["acme": -1, "globex": 1])
    #expect(try await world.totals("rollup_days", "countIf(n >= 0)") == ["globex": 1])
  }

  @Test func whatTwoProgramsStoredAtOnceCountsOnce() async throws {
    let world = try await World()
    // The same ids in three inserts, of which two hold further ones; without timestamps of their own they differ in time.
    try await world.store((0..<4).map { Row(tenant: "acme", id: "e\($0)", hoursAgo: 1) }, batch: 7)
    try await world.store((2..<6).map { Row(tenant: "acme", id: "e\($0)", hoursAgo: 1) }, batch: 8)
    try await world.store((3..<5).map { Row(tenant: "acme", id: "e\($0)", hoursAgo: 31) }, batch: 18_446_744_073_709_551_615)
    try await world.store([
      Row(tenant: "globex", id: "e3", hoursAgo: 1), Row(tenant: "acme", hoursAgo: 1), Row(tenant: "acme", hoursAgo: 1),
    ])
    #expect(try await world.totals("events") == ["acme": 12, "globex": 1])
    try await world.housekeeping().workOnce()
    #expect(try await world.totals("events") == ["acme": 8, "globex": 1])
    #expect(try await world.totals("tenant_days", "sum(n)") == ["acme": 8, "globex": 1])
    #expect(try await world.totals("events", "uniqExactIf(event_id, event_id != '')") == ["acme": 6, "globex": 1])
    // The first stays.
    #expect(try await world.totals("events", "countIf(batch = 7)")["acme"] == 4)
    try await world.housekeeping().workOnce()
    #expect(try await world.totals("tenant_days", "sum(n)") == ["acme": 8, "globex": 1])
  }

  /// A program dies after each step in turn: the next one finishes, and takes nothing from the counts a second time.
  @Test(arguments: 0...2) func aRemovalWhoseProgramDiedIsFinished(stepsDone: Int) async throws {
    let world = try await World()
    try await world.store((0..<5).map { Row(tenant: "acme", id: "e\($0)", hoursAgo: 1) } + [Row(tenant: "globex", hoursAgo: 1)])
    let removals = RemovalRepository(world.database)
    let id = "dead-\(world.organization)"
    let before = world.now().adding(seconds: 60)
    #expect(try await removals.begin(world.organization, id: id, at: world.now()))
    let plan: JSONValue = [
      "kind": "tenant", "environment": "production", "tenant": "acme", "before": .int(before.milliseconds),
    ]
    #expect(try await removals.fix(world.organization, id: id, plan: plan.serialized()))
    if stepsDone > 0 {
      let line: JSONValue = [
        "org_id": .string(world.organization.rawValue), "environment": "production", "tenant_id": "acme",
        "day": .string(CivilDate(daysSinceEpoch: Int(world.now().adding(seconds: -3600).milliseconds / 86_400_000)).iso8601),
        "event_name": "api.call", "n": -5,
      ]
      try await world.clickhouse.client.insert(
        into: "emban.tenant_days", columns: ["org_id", "environment", "tenant_id", "day", "event_name", "n"],
        body: ByteBuffer(string: line.serialized()), deduplicationToken: "removal-\(id)")
    }
    if stepsDone > 1 {
      try await world.clickhouse.client.execute(
        "DELETE FROM emban.events WHERE org_id = \(bind: world.organization.rawValue) AND tenant_id = 'acme'")
    }
    // While its program may live nobody meddles; then everybody who comes by finishes it. Its clock is ahead, by less than what makes a word
    // worthless, so that it lives for a minute from here.
    try await removals.touch(world.organization, id: id, at: world.now().adding(seconds: 50))
    try await world.housekeeping().workOnce()
    #expect(try await removals.list().count == 1)
    try await removals.touch(world.organization, id: id, at: world.now().adding(seconds: -60))
    try await world.housekeeping().workOnce()
    #expect(try await removals.list().isEmpty)
    #expect(try await world.totals("events") == ["globex": 1])
    #expect(try await world.totals("event_ids") == [:])
    #expect(try await world.totals("tenant_days", "sum(n)") == ["globex": 1])
    #expect(await world.told.erased == [TenantID("acme")], "whoever finishes an erasure takes along what else there is of the tenant")
  }

  @Test func aRemovalThatWasBegunBeforeTheClockWasSetBackIsFinished() async throws {
    let world = try await World()
    try await world.store((0..<3).map { Row(tenant: "acme", id: "e\($0)", hoursAgo: 1) })
    let removals = RemovalRepository(world.database)
    let id = "ahead-\(world.organization)"
    #expect(try await removals.begin(world.organization, id: id, at: world.now().adding(seconds: 86_400)))
    let plan: JSONValue = [
      "kind": "tenant", "environment": "production", "tenant": "acme", "before": .int(world.now().adding(seconds: 60).milliseconds),
    ]
    #expect(try await removals.fix(world.organization, id: id, plan: plan.serialized()))
    try await world.housekeeping().workOnce()
    #expect(try await removals.list().isEmpty)
    #expect(try await world.totals("events") == [:])
    #expect(try await world.totals("tenant_days", "sum(n)") == [:])
  }

  /// Also a correction of the counts, which may have been written down already.
  @Test(arguments: [false, true]) func aCorrectionWhoseProgramDiedIsFinished(isWritten: Bool) async throws {
    let world = try await World()
    try await world.store([Row(tenant: "acme", hoursAgo: 1)])
    let day = CivilDate(daysSinceEpoch: Int(world.now().adding(seconds: -3600).milliseconds / 86_400_000))
    let removals = RemovalRepository(world.database)
    let id = "dead-\(world.organization)"
    #expect(try await removals.begin(world.organization, id: id, at: world.now().adding(seconds: -60)))
    let plan: JSONValue = [
      "kind": "counts", "environment": "production", "tenant": "acme", "day": .int(day.daysSinceEpoch), "missing": [["api.call", 4]],
    ]
    #expect(try await removals.fix(world.organization, id: id, plan: plan.serialized()))
    if isWritten {
      let line: JSONValue = [
        "org_id": .string(world.organization.rawValue), "environment": "production", "tenant_id": "acme", "day": .string(day.iso8601),
        "event_name": "api.call", "n": 4,
      ]
      try await world.clickhouse.client.insert(
        into: "emban.tenant_days", columns: ["org_id", "environment", "tenant_id", "day", "event_name", "n"],
        body: ByteBuffer(string: line.serialized()), deduplicationToken: "correction-\(id)")
    }
    try await world.housekeeping().workOnce()
    #expect(try await removals.list().isEmpty)
    #expect(try await world.totals("events") == ["acme": 1])
    #expect(try await world.totals("tenant_days", "sum(n)") == ["acme": 5])
  }

  /// Its program was slow, not gone: between the look at the journal and the next step it has written its plan down.
  @Test func aRemovalThatIsBeingPlannedIsNotDropped() async throws {
    let world = try await World()
    try await world.store((0..<3).map { Row(tenant: "acme", id: "e\($0)", hoursAgo: 1) })
    let removals = RemovalRepository(world.database)
    let id = "slow-\(world.organization)"
    #expect(try await removals.begin(world.organization, id: id, at: world.now().adding(seconds: -60)))
    let plan: JSONValue = [
      "kind": "tenant", "environment": "production", "tenant": "acme", "before": .int(world.now().adding(seconds: 60).milliseconds),
    ]
    let journal = LateJournal(world.database) {
      let isFixed = try await removals.fix(world.organization, id: id, plan: plan.serialized())
      #expect(isFixed)
    }
    try await world.housekeeping(remover: world.remover(journal: journal)).workOnce()
    #expect(try await removals.list().isEmpty)
    #expect(try await world.totals("events") == [:])
    #expect(try await world.totals("tenant_days", "sum(n)") == [:])
  }

  /// Two programs that do not know of each other, one of which has subtracted a row and not yet deleted it.
  @Test func whatIsTakenOutIsSubtractedOnceByWhomever() async throws {
    let world = try await World()
    let other = try await world.withAnotherJournal()
    let moment = world.now().adding(seconds: -3600)
    func store(_ batch: UInt64, and others: [Row] = []) async throws {
      try await world.store([Row(tenant: "acme", id: "e1", hoursAgo: 0, at: moment)] + others, batch: batch)
    }
    try await store(7)
    try await store(8)
    try await world.housekeeping().workOnce()
    #expect(try await world.totals("events") == ["acme": 1])
    #expect(try await world.totals("tenant_days", "sum(n)") == ["acme": 1])
    // The row again, in a block that the store has not seen, and subtracted: as the other program finds it in between.
    try await store(8, and: [Row(tenant: "globex", hoursAgo: 1)])
    let line: JSONValue = [
      "org_id": .string(world.organization.rawValue), "environment": "production", "tenant_id": "acme",
      "day": .string(CivilDate(daysSinceEpoch: Int(moment.milliseconds / 86_400_000)).iso8601), "event_name": "api.call", "n": -1,
    ]
    try await world.clickhouse.client.insert(
      into: "emban.tenant_days", columns: ["org_id", "environment", "tenant_id", "day", "event_name", "n"],
      body: ByteBuffer(string: line.serialized()))
    try await other.housekeeping().workOnce()
    #expect(try await world.totals("events") == ["acme": 1, "globex": 1])
    #expect(try await world.totals("tenant_days", "sum(n)") == ["acme": 1, "globex": 1])
  }

  /// More rows than one removal takes.
  @Test func manyThatWereStoredTwiceGoAtOnce() async throws {
    let world = try await World()
    for batch: UInt64 in 7...9 {
      try await world.store((0..<700).map { Row(tenant: "acme", id: "e\($0)", hoursAgo: 1) }, batch: batch)
    }
    try await world.housekeeping().workOnce()
    #expect(try await world.totals("events") == ["acme": 700])
    #expect(try await world.totals("events", "countIf(batch = 7)") == ["acme": 700])
    #expect(try await world.totals("tenant_days", "sum(n)") == ["acme": 700])
  }

  @Test func anErasureWaitsForAnotherRemovalAndSaysSo() async throws {
    let world = try await World()
    let removals = RemovalRepository(world.database)
    #expect(try await removals.begin(world.organization, id: "other", at: world.now()))
    async let ended: Void = {
      try await Task.sleep(for: .seconds(1))
      try await removals.finish(world.organization, id: "other")
    }()
    #expect(try await world.erase("acme") == 0)
    try await ended
    let eraser = TenantEraser(remover: world.remover(), settled: { _ in false })
    await #expect(throws: AppError.self) {
      try await eraser.erase(TenantID("acme"), of: IngestScope(organization: world.organization, environment: .production))
    }
    #expect(try await removals.list().isEmpty)
  }

  @Test func whatIsOlderThanTheOrganisationKeepsItGoesByWholeDays() async throws {
    let world = try await World()
    let other = try await World()
    let midnight = world.now().milliseconds / 86_400_000 * 86_400_000
    func moment(_ days: Int64, before milliseconds: Int64 = 0) -> Instant {
      Instant(milliseconds: midnight - days * 86_400_000 - milliseconds)
    }
    // Two whole days are kept, and today: the boundary is the midnight before them.
    let moments = [world.now(), moment(2, before: -5_000), moment(2, before: 5_000), moment(3), moment(40), moment(400)]
    let rows = moments.map { Row(tenant: "acme", id: "e\($0.milliseconds)", hoursAgo: 0, happened: $0) }
    try await world.store(rows)
    try await world.store([Row(tenant: "globex", hoursAgo: 0, happened: moment(90))])
    try await other.store(rows)
    // Inserts of the last minute may still be on their way, and go the next time.
    let rule = RetentionRule(scope: IngestScope(organization: world.organization, environment: .production), days: 2)
    try await world.clickhouse.client.execute(
      """
      ALTER TABLE emban.events UPDATE ingested_at = ingested_at - INTERVAL 2 MINUTE WHERE org_id = \(bind: world.organization.rawValue)
      """, settings: ["mutations_sync": "2"])
    let housekeeping = world.housekeeping(rules: [rule])
    try await housekeeping.workOnce()
    #expect(try await world.totals("events") == ["acme": 2])
    #expect(try await world.totals("tenant_days", "sum(n)") == ["acme": 2])
    #expect(try await other.totals("events") == ["acme": 6])
    // Not again within the hour.
    try await world.store([Row(tenant: "late", hoursAgo: 0, happened: moment(9))])
    try await housekeeping.workOnce()
    #expect(try await world.totals("events") == ["acme": 2, "late": 1])
  }

  /// When something was stored, the store says: the program's clock may be days ahead of it.
  @Test func whatWasStoredTwiceIsFoundByTheClockOfTheStore() async throws {
    let world = try await World()
    let housekeeping = world.housekeeping(clock: { [now = world.now] in now().adding(seconds: 2 * 86_400) })
    try await housekeeping.workOnce()
    for batch: UInt64 in 7...8 { try await world.store([Row(tenant: "acme", id: "e1", hoursAgo: 1)], batch: batch) }
    try await housekeeping.workOnce()
    #expect(try await world.totals("events") == ["acme": 1])
  }

  /// More ids that were stored twice, and put right, than are looked at at once, and one among them that was not.
  @Test func allThatWasStoredTwiceIsFound() async throws {
    let world = try await World()
    for batch: UInt64 in 7...8 { try await world.store([Row(tenant: "acme", id: "m", hoursAgo: 1)], batch: batch) }
    // Later than those, before and behind them in their order.
    try await world.clickhouse.client.execute(
      """
      INSERT INTO emban.event_ids (org_id, environment, tenant_id, event_id, timestamp, ingested_at) \
      SELECT \(bind: world.organization.rawValue), 'production', 'acme', \
      concat(if(number % 2 = 0, 'a', 'z'), toString(intDiv(number, 4))), now64(3), now64(3) FROM numbers(20400)
      """)
    let doubled = try await world.clickhouse.client.query(
      """
      SELECT count() FROM (SELECT event_id FROM emban.event_ids WHERE org_id = \(bind: world.organization.rawValue) \
      GROUP BY event_id HAVING count() > 1)
      """, as: .admin)
    #expect(doubled.scalar == 10_201)
    try await world.housekeeping().workOnce()
    #expect(try await world.totals("events") == ["acme": 1])
    #expect(try await world.totals("tenant_days", "sum(n)") == ["acme": 1])
  }

  /// Two programs store the same ids at the same moment while an erasure lies in the journal whose program has died: their senders do not wait until
  /// that is done. What they leave is put right by the programs themselves, whoever has the lease.
  @Test func anInsertFinishesNobodyElsesRemoval() async throws {
    let world = try await World()
    try await world.store((0..<3).map { Row(tenant: "globex", id: "g\($0)", hoursAgo: 1) })
    let removals = RemovalRepository(world.database)
    let id = "dead-\(world.organization)"
    #expect(try await removals.begin(world.organization, id: id, at: world.now().adding(seconds: -60)))
    let plan: JSONValue = [
      "kind": "tenant", "environment": "production", "tenant": "globex", "before": .int(world.now().adding(seconds: 60).milliseconds),
    ]
    #expect(try await removals.fix(world.organization, id: id, plan: plan.serialized()))
    let programs = [0, 1].map { _ in DuplicateRepair(remover: world.remover(), logger: world.quiet) }
    // Without a spool, a look-up that the store answers late would be a refusal.
    let patient = RetryPolicy(deadline: .seconds(240), attempt: .seconds(60))
    let services = programs.map {
      EventBufferService(client: world.clickhouse.client, retry: patient, duplicates: $0, logger: world.quiet)
    }
    let scope = IngestScope(organization: world.organization, environment: .production)
    let sent = try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      for service in services { group.addTask { await service.run() } }
      let pipelines = services.map { IngestPipeline(buffer: $0, now: world.now) }
      for round in 1...200 {
        let events = (0..<20).map { #"{"tenant_id":"acme","event_name":"api.call","event_id":"e\#(round)-\#($0)"}"# }
        let body = ByteBuffer(string: "{\"events\":[\(events.joined(separator: ","))]}")
        async let first = pipelines[0].ingest(body, contentType: nil, scope: scope)
        async let second = pipelines[1].ingest(body, contentType: nil, scope: scope)
        let begin = ContinuousClock.now
        #expect(try await (first.accepted, second.accepted) == (20, 20))
        #expect(ContinuousClock.now - begin < .seconds(60))
        if try await world.totals("events")["acme"] ?? 0 > round * 20 { return round * 20 }
      }
      return 0
    }
    try #require(sent > 0, "the two never ran into each other")
    #expect(try await removals.list().map(\.id) == [id])
    #expect(try await world.totals("events")["globex"] == 3)
    for program in programs { try await world.housekeeping(duplicates: program, lease: { false }).workOnce() }
    #expect(try await removals.list().isEmpty)
    #expect(try await world.totals("events") == ["acme": sent])
    #expect(try await world.totals("tenant_days", "sum(n)") == ["acme": sent])
  }

  /// One of the things that are done every hour fails each time: the others are done, and it is not tried again every few seconds.
  @Test func whatFailsWaitsLongerEachTime() async throws {
    let world = try await World()
    let moment = Moment(world.now())
    let housekeeping = EventHousekeeping(
      client: world.clickhouse.client, remover: world.remover(),
      duplicates: DuplicateRepair(remover: world.remover(), logger: world.clickhouse.logger),
      rules: {
        moment.tried()
        throw AppError.internal(cause: "the test's own failure")
      }, logger: world.quiet, clock: { moment.now }, lease: { true })
    for seconds in [0, 5, 5, 60, 5, 60, 60] {
      moment.advance(seconds: Double(seconds))
      try await housekeeping.workOnce()
    }
    // At 0, 70 (a minute after the first) and 195 (two after that).
    #expect(moment.tries == 3)
  }

  /// What removals have brought to nothing is deleted while events of the same day arrive, and of one who has none nothing is.
  @Test func countsOfNothingGoAndThoseThatArriveStay() async throws {
    let world = try await World()
    try await world.store([Row(tenant: "acme", id: "e1", hoursAgo: 1), Row(tenant: "globex", hoursAgo: 1)])
    #expect(try await world.erase("acme") == 1)
    #expect(try await world.erase("nobody") == 0)
    #expect(try await RemovalRepository(world.database).list().isEmpty)
    let housekeeping = world.housekeeping(clock: { [now = world.now] in now().adding(seconds: 7200) })
    async let work: Void = housekeeping.workOnce()
    for number in 0..<10 { try await world.store([Row(tenant: "acme", id: "n\(number)", hoursAgo: 1)]) }
    try await work
    #expect(try await world.totals("events") == ["acme": 10, "globex": 1])
    #expect(try await world.totals("tenant_days", "sum(n)") == ["acme": 10, "globex": 1])
    let named = try await world.clickhouse.client.query(
      "SELECT uniqExact(tenant_id) FROM emban.tenant_days WHERE org_id = \(bind: world.organization.rawValue)", as: .admin)
    #expect(named.scalar == 2)
  }

  /// An insert that does not end is waited for without keeping removals of the organisation from beginning.
  @Test func aCorrectionThatCannotBeMadeHoldsNobodyUp() async throws {
    let world = try await World()
    try await world.store([Row(tenant: "acme", hoursAgo: 48)])
    let removals = RemovalRepository(world.database)
    let scope = IngestScope(organization: world.organization, environment: .production)
    let day = CivilDate(daysSinceEpoch: Int(world.now().adding(seconds: -172_800).milliseconds / 86_400_000))
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        // Of nobody's organisation, a row a second.
        try await world.clickhouse.client.execute(
          """
          INSERT INTO emban.events (org_id, environment, tenant_id, event_name, timestamp) \
          SELECT 'org_slow', 'selftest', 'nobody', 'e', now64(3) FROM numbers(55) WHERE sleepEachRow(1) = 0
          """, settings: ["max_block_size": "1", "min_insert_block_size_rows": "1"])
        return false
      }
      var isUnderWay = false
      while !isUnderWay {
        let found = try await world.clickhouse.client.query(
          "SELECT count() FROM system.processes WHERE query_kind = 'Insert' AND query LIKE '%org_slow%'", as: .admin)
        isUnderWay = found.scalar ?? 0 != 0
      }
      group.addTask {
        let corrector = CountCorrector(remover: world.remover())
        let isWrong = try await corrector.correct(day, of: TenantID("acme"), in: scope, settledSince: world.now())
        #expect(isWrong == nil)
        return true
      }
      group.addTask {
        while !Task.isCancelled {
          let entries = try await removals.list()
          #expect(entries.isEmpty)
          try? await Task.sleep(for: .milliseconds(20))
        }
        return false
      }
      while let isCorrected = try await group.next(), !isCorrected {}
      group.cancelAll()
      // The insert breaks off with its connection.
      while (try? await group.next()) ?? nil != nil {}
    }
    try await world.clickhouse.client.execute("KILL QUERY WHERE query_kind = 'Insert' AND query LIKE '%org_slow%' SYNC")
    try await world.clickhouse.client.execute("DELETE FROM emban.events WHERE org_id = 'org_slow'")
    try await world.clickhouse.client.execute("DELETE FROM emban.tenant_days WHERE org_id = 'org_slow'")
  }

  @Test func theBytesGoToo() async throws {
    let world = try await World()
    try await world.store([Row(tenant: "acme", hoursAgo: 1), Row(tenant: "globex", hoursAgo: 1)])
    _ = try await world.erase("acme")
    let housekeeping = world.housekeeping(clock: { [now = world.now] in now().adding(seconds: 7200) })
    try await housekeeping.workOnce()
    for _ in 0..<1_000 {
      let masked = try await world.clickhouse.client.query(
        "SELECT count() FROM system.parts WHERE active AND has_lightweight_delete AND database = 'emban' AND table = 'events'", as: .admin)
      if masked.scalar?.numberValue == 0 { break }
      try await Task.sleep(for: .milliseconds(100))
    }
    let left = try await world.clickhouse.client.query(
      """
      SELECT count() FROM emban.events WHERE org_id = \(bind: world.organization.rawValue) AND tenant_id = 'acme' \
      SETTINGS apply_deleted_mask = 0
      """, as: .admin)
    #expect(left.scalar?.numberValue == 0)
    let counts = try await world.clickhouse.client.query(
      "SELECT uniqExact(tenant_id) FROM emban.tenant_days WHERE org_id = \(bind: world.organization.rawValue)", as: .admin)
    #expect(counts.scalar?.numberValue == 1)
  }
}

// MARK: - Fixture

private struct Row {
  var tenant: String
  var environment = "production"
  var id = ""
  var hoursAgo: Double
  /// When it happened, instead.
  var happened: Instant?
  /// When it happened and was stored, instead.
  var at: Instant?
}

/// A journal in which something happens right after the first look at all entries.
private actor LateJournal: RemovalJournal {
  private let journal: StoredRemovalJournal
  private var meanwhile: (@Sendable () async throws -> Void)?

  init(_ database: any ConfigDatabase, meanwhile: @escaping @Sendable () async throws -> Void) {
    journal = StoredRemovalJournal(database)
    self.meanwhile = meanwhile
  }

  func begin(_ organization: OrganizationID, id: String, at now: Instant) async throws -> RemovalEntry? {
    try await journal.begin(organization, id: id, at: now)
  }
  func fix(_ organization: OrganizationID, id: String, plan: String) async throws -> Bool {
    try await journal.fix(organization, id: id, plan: plan)
  }
  func touch(_ organization: OrganizationID, id: String, at now: Instant) async throws {
    try await journal.touch(organization, id: id, at: now)
  }
  func abandon(_ organization: OrganizationID, id: String) async throws -> Bool { try await journal.abandon(organization, id: id) }
  func finish(_ organization: OrganizationID, id: String) async throws { try await journal.finish(organization, id: id) }
  func entries() async throws -> [RemovalEntry] {
    let entries = try await journal.entries()
    if let work = meanwhile {
      meanwhile = nil
      try await work()
    }
    return entries
  }
}

/// A clock that is set by hand, and a count.
private final class Moment: Sendable {
  private let state: Mutex<(now: Instant, tries: Int)>

  init(_ now: Instant) { state = Mutex((now, 0)) }

  var now: Instant { state.withLock { $0.now } }
  var tries: Int { state.withLock { $0.tries } }
  func tried() { state.withLock { $0.tries += 1 } }
  func advance(seconds: Double) { state.withLock { $0.now = $0.now.adding(seconds: seconds) } }
}

private struct World {
  let clickhouse: TestClickHouse
  let organization = OrganizationID(TestClickHouse.uniqueOrganization())
  private(set) var database: SQLiteDatabase
  let told = Told()
  let now: TimeSource = { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

  actor Told {
    var tenants: [TenantID] = []
    var erased: [TenantID] = []
    func add(_ more: Set<TenantID>) { tenants += more }
    func erase(_ tenant: TenantID) { erased.append(tenant) }
  }

  init() async throws {
    // Days are counted, of which none may end meanwhile.
    let left = 86_400_000 - now().milliseconds % 86_400_000
    if left < 120_000 { try await Task.sleep(for: .milliseconds(left + 1_000)) }
    clickhouse = try await TestClickHouse.shared()
    database = try await Self.makeDatabase(at: now())
  }

  private static func makeDatabase(at now: Instant) async throws -> SQLiteDatabase {
    let database = try SQLiteDatabase(path: try TestClickHouse.makeTestFolder() + "/emban.sqlite")
    try await ConfigMigrator.migrate(database, at: now)
    return database
  }

  /// The same events, and a configuration of its own.
  func withAnotherJournal() async throws -> World {
    var other = self
    other.database = try await Self.makeDatabase(at: now())
    return other
  }

  func remover(journal: (any RemovalJournal)? = nil) -> EventRemover {
    EventRemover(
      client: clickhouse.client, journal: journal ?? StoredRemovalJournal(database), clock: now, logger: clickhouse.logger,
      removed: { [told] _, _, tenants in await told.add(tenants) }, erased: { [told] _, _, tenant in await told.erase(tenant) })
  }

  func housekeeping(
    rules: [RetentionRule] = [], remover: EventRemover? = nil, duplicates: DuplicateRepair? = nil, clock: TimeSource? = nil,
    lease: @escaping EventHousekeeping.Lease = { true }
  ) -> EventHousekeeping {
    let remover = remover ?? self.remover()
    return EventHousekeeping(
      client: clickhouse.client, remover: remover,
      duplicates: duplicates ?? DuplicateRepair(remover: remover, logger: clickhouse.logger), rules: { rules }, logger: clickhouse.logger,
      clock: clock ?? now, lease: lease)
  }

  /// For what is logged on purpose.
  var quiet: Logger {
    var logger = clickhouse.logger
    logger.logLevel = .critical
    return logger
  }

  func erase(_ tenant: String) async throws -> Int {
    try await TenantEraser(remover: remover()).erase(
      TenantID(tenant), of: IngestScope(organization: organization, environment: .production))
  }

  func store(_ rows: [Row], batch: UInt64 = 1) async throws {
    let lines = rows.map { row -> String in
      let line: JSONValue = [
        "org_id": .string(organization.rawValue), "environment": .string(row.environment), "tenant_id": .string(row.tenant),
        "event_name": "api.call", "event_id": .string(row.id),
        "timestamp": (row.at ?? row.happened ?? now().adding(seconds: -row.hoursAgo * 3600)).json,
        "ingested_at": (row.at ?? now()).json,
      ]
      return line.serialized() + "\n"
    }
    try await clickhouse.client.insert(
      into: "emban.events", columns: ["org_id", "environment", "tenant_id", "event_name", "timestamp", "event_id", "ingested_at"],
      body: ByteBuffer(string: lines.joined()), settings: ["SQL_emban_batch": String(batch)])
  }

  /// By tenant; those of which there is nothing are left out.
  func totals(_ table: StaticString, _ what: StaticString = "count()", environment: String = "production") async throws -> [ExactText: Int]
  {
    let rows = try await clickhouse.client.query(
      """
      SELECT tenant_id, toInt64(\(SQL(trusted: "\(what)"))) AS total FROM \(SQL(trusted: "emban.\(table)")) \
      WHERE org_id = \(bind: organization.rawValue) AND environment = \(bind: environment) GROUP BY tenant_id HAVING total != 0
      """, as: .admin)
    return Dictionary(
      uniqueKeysWithValues: rows.rows.map { (ExactText($0[0].stringValue ?? ""), Int($0[1].numberValue ?? 0)) })
  }
}
