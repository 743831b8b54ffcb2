import EmbanClient
import Foundation
import Synchronization
import Testing

@Suite struct EventBatcherTests {
  private final class Losses: Sendable {
    private let heard = Mutex<[EventBatcher.Loss]>([])
    var all: [EventBatcher.Loss] { heard.withLock { $0 } }
    func note(_ loss: EventBatcher.Loss) { heard.withLock { $0.append(loss) } }
  }

  /// Waits for a condition; the deadline is for machines that are busy.
  private func wait(_ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
      if try await condition() { return true }
      try await Task.sleep(for: .milliseconds(50))
    }
    return false
  }

  @Test func aFullBatchIsSentAtOnceAndTheRestInTime() async throws {
    let emban = try await TestServer.shared().client()
    let tenant = TestServer.tenant()
    let batcher = EventBatcher(emban, .init(size: 50, interval: .seconds(3_600))) { _ in }
    for _ in 0..<120 { try await batcher.add(EmbanEvent(tenantID: tenant, eventName: "x")) }
    // Nobody flushes, and the interval is long: two batches go by their size.
    #expect(try await wait { await batcher.count == 20 })
    try await TestServer.settle()
    #expect(try await emban.query(EmbanQuery(), tenantID: tenant).value == 100)
    try await batcher.flush()
    #expect(await batcher.count == 0)
    try await TestServer.settle()
    #expect(try await emban.query(EmbanQuery(), tenantID: tenant).value == 120)

    let soon = EventBatcher(emban, .init(size: 1_000, interval: .milliseconds(100))) { _ in }
    try await soon.add(EmbanEvent(tenantID: tenant, eventName: "x"))
    #expect(try await wait { await soon.count == 0 })
    try await TestServer.settle()
    #expect(try await emban.query(EmbanQuery(), tenantID: tenant).value == 121)
    try await soon.shutdown()
    try await batcher.shutdown()
  }

  @Test func shutdownSendsWhatIsLeftAndTakesNoMore() async throws {
    let emban = try await TestServer.shared().client()
    let tenant = TestServer.tenant()
    let batcher = EventBatcher(emban, .init(size: 40, interval: .seconds(3_600))) { _ in }
    for _ in 0..<95 { try await batcher.add(EmbanEvent(tenantID: tenant, eventName: "x")) }
    try await batcher.shutdown()
    try await TestServer.settle()
    #expect(try await emban.query(EmbanQuery(), tenantID: tenant).value == 95)
    await #expect(throws: EmbanError.batcherClosed) { try await batcher.add(EmbanEvent(tenantID: tenant, eventName: "x")) }
    try await batcher.shutdown()
  }

  @Test func aServiceThatIsCancelledSendsWhatIsLeft() async throws {
    let emban = try await TestServer.shared().client()
    let tenant = TestServer.tenant()
    let batcher = EventBatcher(emban, .init(interval: .seconds(3_600))) { _ in }
    let service = Task { try await batcher.run() }
    for _ in 0..<7 { try await batcher.add(EmbanEvent(tenantID: tenant, eventName: "x")) }
    service.cancel()
    try await service.value
    try await TestServer.settle()
    #expect(try await emban.query(EmbanQuery(), tenantID: tenant).value == 7)
  }

  @Test func eventsAreKeptWhileTheServerIsAwayAndNeverMoreThanAgreed() async throws {
    let server = try await TestServer.shared()
    let tenant = TestServer.tenant()
    let once = EmbanRetryPolicy.none
    try await FaultyProxy.run(server.url, [.busy(0), .lostAnswer]) { _, url in
      let losses = Losses()
      let batcher = EventBatcher(
        try server.client(retry: once, at: url), .init(size: 100, interval: .seconds(2), capacity: 5), onLoss: losses.note)
      for _ in 0..<5 { try await batcher.add(EmbanEvent(tenantID: tenant, eventName: "x")) }
      await #expect(throws: EmbanError.batcherFull(limit: 5)) { try await batcher.add(EmbanEvent(tenantID: tenant, eventName: "x")) }
      // Two attempts fail, of which the second was stored; the third is a repetition.
      #expect(try await wait { await batcher.count == 0 })
      #expect(losses.all.isEmpty)
      try await batcher.shutdown()
    }
    try await TestServer.settle()
    #expect(try await server.client().query(EmbanQuery(), tenantID: tenant).value == 5)
  }

  @Test func whatIsLostIsTold() async throws {
    let server = try await TestServer.shared()
    let tenant = TestServer.tenant()
    let losses = Losses()
    let batcher = EventBatcher(try server.client(), onLoss: losses.note)
    try await batcher.add(EmbanEvent(tenantID: tenant, eventName: "good"))
    try await batcher.add(EmbanEvent(tenantID: tenant, eventName: ""))
    try await batcher.shutdown()
    #expect(losses.all.map(\.events.count) == [1])
    #expect(losses.all.first?.events.first?.eventName == "" && losses.all.first?.rejections.first?.code == "event_name_length")

    let away = EventBatcher(
      try EmbanClient(baseURL: "http://127.0.0.1:9", apiKey: server.key, retry: .none, timeout: .seconds(2)), onLoss: losses.note)
    for _ in 0..<3 { try await away.add(EmbanEvent(tenantID: tenant, eventName: "x")) }
    await #expect(throws: EmbanError.self) { try await away.flush() }
    #expect(await away.count == 3)
    await #expect(throws: EmbanError.self) { try await away.shutdown() }
    #expect(losses.all.last?.events.count == 3 && losses.all.last?.error != nil)

    let stranger = EventBatcher(try EmbanClient(baseURL: server.url, apiKey: "eb_adm_nobodys", retry: .none), onLoss: losses.note)
    try await stranger.add(EmbanEvent(tenantID: tenant, eventName: "x"))
    await #expect(throws: EmbanError.self) { try await stranger.flush() }
    #expect(await stranger.count == 0)
    #expect(losses.all.count == 3)
    try await stranger.shutdown()
  }

  /// A limit of the request's size before the server lost whole batches.
  @Test func whatAProxyFindsTooLargeIsHalved() async throws {
    let server = try await TestServer.shared()
    let tenant = TestServer.tenant()
    let large = FaultyProxy.Fault.page(413, "<h1>413 Request Entity Too Large</h1>")
    try await FaultyProxy.run(server.url, [large, large, large]) { proxy, url in
      let losses = Losses()
      let batcher = EventBatcher(try server.client(at: url), .init(interval: .seconds(3_600)), onLoss: losses.note)
      for name in ["a", "b", "c", "d"] { try await batcher.add(EmbanEvent(tenantID: tenant, eventName: name)) }
      try await batcher.shutdown()
      // Four, two, the one that is too large even alone, its neighbour, and the other two.
      #expect(proxy.requests == 5)
      #expect(losses.all.map(\.count) == [1])
      #expect(losses.all.first?.rejections.map(\.code) == ["event_too_large"] && losses.all.first?.events.map(\.eventName) == ["a"])
    }
    try await TestServer.settle()
    #expect(try await server.client().query(EmbanQuery(), tenantID: tenant).value == 3)
  }

  /// They counted as refusals, and the events as lost.
  @Test func pagesInTheServersPlaceAreNoAnswers() async throws {
    let server = try await TestServer.shared()
    let tenant = TestServer.tenant()
    let pages: [FaultyProxy.Fault] = [
      .foreignPage, .page(200, ""), .page(502, "<h1>Bad Gateway</h1>"), .page(404, "default backend"), .page(403, "?"),
    ]
    try await FaultyProxy.run(server.url, pages) { proxy, url in
      let losses = Losses()
      let batcher = EventBatcher(try server.client(retry: .none, at: url), .init(interval: .milliseconds(20)), onLoss: losses.note)
      for _ in 0..<3 { try await batcher.add(EmbanEvent(tenantID: tenant, eventName: "x")) }
      #expect(try await wait { await batcher.count == 0 })
      #expect(losses.all.isEmpty && proxy.requests == 6)
      try await batcher.shutdown()
    }
    try await TestServer.settle()
    #expect(try await server.client().query(EmbanQuery(), tenantID: tenant).value == 3)
  }

  @Test func whatIsRefusedForGoodHoldsUpNothing() async throws {
    let server = try await TestServer.shared()
    let tenant = TestServer.tenant()
    try await FaultyProxy.run(server.url, [.forbidden]) { _, url in
      let losses = Losses()
      let batcher = EventBatcher(
        try server.client(retry: .none, at: url), .init(size: 2, interval: .seconds(3_600)), onLoss: losses.note)
      for _ in 0..<5 { try await batcher.add(EmbanEvent(tenantID: tenant, eventName: "x")) }
      await #expect(throws: EmbanError.self) { try await batcher.shutdown() }
      #expect(losses.all.map(\.count) == [2])
    }
    try await TestServer.settle()
    #expect(try await server.client().query(EmbanQuery(), tenantID: tenant).value == 3)
  }

  /// The server names a hundred of them.
  @Test func manyWrongEventsAreAllCounted() async throws {
    let losses = Losses()
    let batcher = EventBatcher(try await TestServer.shared().client(), .init(interval: .seconds(3_600)), onLoss: losses.note)
    for _ in 0..<150 { try await batcher.add(EmbanEvent(tenantID: TestServer.tenant(), eventName: "")) }
    try await batcher.shutdown()
    #expect(losses.all.map(\.count) == [150] && losses.all.map(\.events.count) == [100])
    #expect(losses.all.first?.description.hasPrefix("150 events") == true)
  }
}
