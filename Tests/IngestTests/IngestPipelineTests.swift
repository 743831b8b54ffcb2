import ClickHouse
import Domain
import Foundation
import Ingest
import TestSupport
import Testing

/// From the bytes of a request to the rows of a real ClickHouse.
@Suite(.timeLimit(.minutes(10))) struct IngestPipelineTests {
  @Test func storesEventsAsTheyWereSent() async throws {
    let fixture = try await PipelineFixture()
    try await fixture.running {
      let receipt = try await fixture.post(
        #"""
        {"events":[{"tenant_id":"Ünï 🎉","event_name":"api.call","timestamp":"2026-04-14T10:00:00.123+02:00","event_id":"e1","user_id":"u1",
          "string_props":{"a.b":"dotted","a":"2026-04-14","quo\"te`\\":"new\nline\ttab","unicode":"☃","number":"12","empty":"","same":"s"},
          "numeric_props":{"x.y":1,"int":150,"fraction":-0.25,"huge":1e300,"long":12345678901234567890,"same":3}}]}
        """#)
      #expect(receipt.json == ["accepted": 1, "status": "ok"])
    }
    let rows = try await fixture.rows(
      """
      tenant_id, event_name, timestamp, event_id, user_id, environment,
      \(PropertyPath.string("a.b").stringExpression), \(PropertyPath.string("a").stringExpression),
      \(PropertyPath.string("quo\"te`\\").stringExpression), \(PropertyPath.string("unicode").stringExpression),
      \(PropertyPath.string("number").stringExpression), \(PropertyPath.string("same").stringExpression),
      \(PropertyPath.numeric("x.y").numericExpression), \(PropertyPath.numeric("int").numericExpression),
      \(PropertyPath.numeric("fraction").numericExpression), \(PropertyPath.numeric("huge").numericExpression),
      \(PropertyPath.numeric("long").numericExpression), \(PropertyPath.numeric("same").numericExpression),
      \(PropertyPath.numeric("absent").numericExpression)
      """)
    #expect(
      rows == [
        [
          "Ünï 🎉", "api.call", "2026-04-14T08:00:00.123Z", "e1", "u1", "production", "dotted", "2026-04-14", "new\nline\ttab", "☃", "12",
          "s", 1, 150, -0.25, 1e300, 1.2345678901234567e19, 3, .null,
        ]
      ])
  }

  @Test func keepsTheValidOnesAndReportsTheOthers() async throws {
    let fixture = try await PipelineFixture()
    try await fixture.running {
      let receipt = try await fixture.post(
        #"{"events":[{"tenant_id":"a","event_name":"x"},{"tenant_id":7,"event_name":"x"},{"tenant_id":"a","event_name":"y"}]}"#)
      #expect(
        receipt.json == [
          "accepted": 2, "rejected": 1, "status": "partial",
          "errors": [["index": 1, "field": "tenant_id", "code": "tenant_id_type", "expected": "must be a string, not number"]],
        ])
    }
    #expect(try await fixture.rows("event_name", order: "event_name") == [["x"], ["y"]])
  }

  @Test func refusesARequestWithoutAValidEvent() async throws {
    let fixture = try await PipelineFixture()
    try await fixture.running {
      let error = await #expect(throws: AppError.self) { try await fixture.post(#"{"events":[{},5]}"#) }
      #expect(error?.status == 422)
      #expect(error?.code == "no_valid_event")
      #expect(error?.details.map(\.field) == ["events[0].tenant_id", "events[1]"])
      #expect(error?.extra["accepted"] == 0)
      #expect(error?.extra["rejected"] == 2)
    }
    #expect(try await fixture.count() == 0)
  }

  @Test func listsAtMostAHundredRejections() async throws {
    let fixture = try await PipelineFixture()
    try await fixture.running {
      let events = [#"{"tenant_id":"a","event_name":"x"}"#] + Array(repeating: "{}", count: 999)
      let json = try await fixture.post("{\"events\":[\(events.joined(separator: ","))]}").json
      #expect(json["accepted"] == 1)
      #expect(json["rejected"] == 999)
      #expect(json["errors"]?.arrayValue?.count == 100)
    }
  }

  @Test func storesNothingOfABodyThatIsRefusedAsAWhole() async throws {
    let fixture = try await PipelineFixture()
    try await fixture.running {
      let good = #"{"tenant_id":"a","event_name":"x"}"#
      for body in [
        "{\"events\":[\(good),\(good)", "{\"events\":[\(good)],\"more\":1}", "{\"events\":[]}",
        "{\"events\":[\(Array(repeating: good, count: 1_001).joined(separator: ","))]}",
      ] {
        await #expect(throws: AppError.self) { try await fixture.post(body) }
      }
    }
    #expect(try await fixture.count() == 0)
  }

  @Test func takesLines() async throws {
    let fixture = try await PipelineFixture()
    try await fixture.running {
      let lines = (0..<10).map { #"{"tenant_id":"a","event_name":"x\#($0)"}"# }.joined(separator: "\n") + "\n{broken\n"
      let receipt = try await fixture.post(lines, contentType: "application/x-ndjson")
      #expect(receipt.accepted == 10)
      #expect(receipt.rejections.map(\.code) == [.malformedJSON])
    }
    #expect(try await fixture.count() == 10)
  }

  // MARK: Event ids

  @Test func countsAResentEventOnce() async throws {
    let fixture = try await PipelineFixture()
    try await fixture.running {
      for _ in 0..<3 {
        let receipt = try await fixture.post(body(ids: ["e1", "e2", "e1"]))
        #expect(receipt.json == ["accepted": 3, "status": "ok"])
      }
      _ = try await fixture.post(body(ids: ["e2", "e3"]))
      // The same id of another tenant, of another environment and of another organisation is another event.
      _ = try await fixture.post(body(ids: ["e1"], tenant: "globex"))
      _ = try await fixture.pipeline.store(
        [Event(tenantID: TenantID("acme"), eventName: "x", timestamp: noon, eventID: "e1")],
        scope: IngestScope(organization: fixture.scope.organization, environment: .development))
    }
    #expect(
      try await fixture.rows("environment, tenant_id, event_id", order: "environment, tenant_id, event_id") == [
        ["development", "acme", "e1"], ["production", "acme", "e1"], ["production", "acme", "e2"], ["production", "acme", "e3"],
        ["production", "globex", "e1"],
      ])
  }

  @Test func countsConcurrentDuplicatesOnce() async throws {
    let fixture = try await PipelineFixture()
    let ids = (0..<50).map { "quo'te\\ \($0) ☃" }
    try await fixture.running {
      try await withThrowingTaskGroup(of: Int.self) { group in
        for turn in 0..<30 {
          // Every request holds other ids of the same fifty, so that they overlap in every way.
          let some = (0..<20).map { ids[($0 * 7 + turn * 3) % ids.count] }
          group.addTask {
            try await fixture.post(body(ids: some.map { $0.replacing("\\", with: "\\\\") })).accepted
          }
        }
        for try await accepted in group { #expect(accepted == 20) }
      }
    }
    let stored = try await fixture.rows("event_id").compactMap { $0.first?.stringValue }
    #expect(stored.count == 50)
    #expect(Set(stored) == Set(ids))
  }

  /// So many ids in one block that their look-up does not fit into one bound parameter.
  @Test func recognisesTheIDsOfAFullBlock() async throws {
    let fixture = try await PipelineFixture()
    let events = (0..<20_000).map { number in
      let id = "\(String(repeating: "i", count: 40))'\\-\(number)"
      return Event(tenantID: TenantID("t\(number % 3)"), eventName: "x", timestamp: noon, eventID: id)
    }
    try await fixture.running {
      for _ in 0..<2 {
        let receipt = try await fixture.pipeline.store(events, scope: fixture.scope)
        #expect(receipt.accepted == 20_000)
      }
    }
    #expect(try await fixture.count() == 20_000)
  }

  // MARK: Group commit

  @Test func storesTheEventsOfManyConnections() async throws {
    let fixture = try await PipelineFixture()
    try await fixture.running {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<500 {
          group.addTask {
            let receipt = try await fixture.post(#"{"events":[{"tenant_id":"t\#(number % 7)","event_name":"n\#(number)"}]}"#)
            #expect(receipt.accepted == 1)
          }
        }
        try await group.waitForAll()
      }
      #expect(fixture.service.heldBytes == 0)
    }
    #expect(try await fixture.rows("uniqExact(event_name), count()", order: "1") == [[500, 500]])
    // Every insert has a moment of its own: requests that wait while another is written go together.
    let inserts = try #require(try await fixture.rows("uniqExact(ingested_at)", order: "1").first?.first?.numberValue)
    #expect(inserts < 250)
  }

  @Test func answersOverloadedInsteadOfGrowing() async throws {
    let fixture = try await PipelineFixture(configuration: EventBufferConfiguration(maximumHeldBytes: 1_000))
    // Nobody performs inserts yet, so that everything is held.
    async let first = fixture.post(body(ids: ["e1"]))
    while fixture.service.heldBytes == 0 { try await Task.sleep(for: .milliseconds(1)) }
    let error = await #expect(throws: AppError.self) { try await fixture.post(body(ids: (0..<100).map { "x\($0)" })) }
    #expect(error?.status == 503)
    #expect(error?.code == "ingest_overloaded")
    #expect(error?.retryAfter == 1)
    let receipt = try await fixture.running { try await fixture.post(body(ids: ["e2"])) }
    #expect(receipt.accepted == 1)
    #expect(try await first.accepted == 1)
    #expect(try await fixture.count() == 2)
  }

  @Test func stoppingStoresWhatIsHeld() async throws {
    let fixture = try await PipelineFixture()
    try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<20 {
        group.addTask { try await fixture.post(#"{"events":[{"tenant_id":"a","event_name":"n\#(number)"}]}"#).accepted }
      }
      while fixture.service.heldBytes < 20 * 50 { try await Task.sleep(for: .milliseconds(1)) }
      // Runs only to be stopped at once.
      try await fixture.running {}
      for try await accepted in group { #expect(accepted == 1) }
    }
    #expect(try await fixture.count() == 20)
    let error = await #expect(throws: AppError.self) { try await fixture.post(body(ids: ["late"])) }
    #expect(error?.code == "shutting_down")
  }

  // MARK: Trouble with the store

  @Test func answersUnavailableWhileTheStoreIsAwayAndWorksAfterwards() async throws {
    let fixture = try await PipelineFixture(retry: RetryPolicy(deadline: .milliseconds(400)))
    try await fixture.running {
      fixture.switchboard.turn(off: true)
      for _ in 0..<3 {
        let error = await #expect(throws: AppError.self) { try await fixture.post(body(ids: ["e1", "e2"])) }
        #expect(error?.status == 503)
        #expect(error?.code == "event_store_unavailable")
        #expect(error?.retryAfter == 5)
      }
      #expect(fixture.service.heldBytes == 0)
      fixture.switchboard.turn(off: false)
      let receipt = try await fixture.post(body(ids: ["e1", "e2"]))
      #expect(receipt.accepted == 2)
    }
    #expect(try await fixture.count() == 2)
  }

  @Test func waitsThroughAShortAbsenceOfTheStore() async throws {
    let fixture = try await PipelineFixture()
    try await fixture.running {
      fixture.switchboard.turn(off: true)
      async let answer = fixture.post(body(ids: ["e1"]))
      async let other = fixture.post(#"{"events":[{"tenant_id":"a","event_name":"without id"}]}"#)
      try await Task.sleep(for: .milliseconds(300))
      fixture.switchboard.turn(off: false)
      #expect(try await answer.accepted == 1)
      #expect(try await other.accepted == 1)
    }
    #expect(try await fixture.count() == 2)
  }

  /// The validator lets no such event through; a gap in it must still not hurt the requests of others.
  @Test func oneBadEventCannotFailTheRequestsOfOthers() async throws {
    let fixture = try await PipelineFixture()
    let good = Event(tenantID: TenantID("a"), eventName: "good", timestamp: noon, numericProps: ["n": 1])
    let bad = Event(tenantID: TenantID("a"), eventName: "bad", timestamp: noon, numericProps: ["n": .nan])
    // All but the first wait while nobody performs inserts: they become one block.
    let requests = (0..<12).map { number in
      Task { try await fixture.pipeline.store(number % 6 == 5 ? [good, bad, good] : [good, good], scope: fixture.scope) }
    }
    try await Task.sleep(for: .milliseconds(50))
    try await fixture.running {
      for (number, request) in requests.enumerated() {
        let receipt = try await request.value
        #expect(receipt.accepted == 2)
        #expect(receipt.rejections.map(\.index) == (number % 6 == 5 ? [1] : []))
        #expect(receipt.rejections.allSatisfy { $0.code == .notStorable })
      }
    }
    #expect(try await fixture.count() == 24)
  }

  /// Every month since 1970 in one request.
  @Test func storesABackfillOverManyMonths() async throws {
    // 660 parts, each synced: 10 s on a quiet machine, a minute on a busy one.
    let fixture = try await PipelineFixture(retry: RetryPolicy(deadline: .seconds(300), attempt: .seconds(240)))
    try await fixture.running {
      let events = (0..<660).map { month in
        let date = CivilDate(year: 1970 + month / 12, month: month % 12 + 1, day: 1)!
        return Event(tenantID: TenantID("a"), eventName: "x", timestamp: date.midnightUTC)
      }
      let receipt = try await fixture.pipeline.store(events, scope: fixture.scope)
      #expect(receipt.json == ["accepted": 660, "status": "ok"])
    }
    #expect(try await fixture.count() == 660)
  }
}
