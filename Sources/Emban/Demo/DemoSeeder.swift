import ClickHouse
import Domain
import Ingest
import Logging
import ServiceLifecycle

/// What a demo's environment holds already.
struct DemoHistory: Sendable {
  let first: Instant
  let last: Instant
  let lastIngested: Instant

  /// Nil when there is not one event yet.
  static func load(_ client: ClickHouseClient, scope: IngestScope) async throws -> DemoHistory? {
    let answer = try await client.query(
      """
      SELECT count(), min(timestamp), max(timestamp), max(ingested_at) FROM \(identifier: "emban.events")
      WHERE org_id = \(bind: scope.organization.rawValue) AND environment = \(bind: scope.environment.rawValue)
      """, as: .admin)
    guard let row = answer.rows.first, row.count == 4, row[0] != 0,
      let first = row[1].stringValue.flatMap({ Instant(iso8601AssumingUTC: $0) }),
      let last = row[2].stringValue.flatMap({ Instant(iso8601AssumingUTC: $0) }),
      let lastIngested = row[3].stringValue.flatMap({ Instant(iso8601AssumingUTC: $0) })
    else { return nil }
    return DemoHistory(first: first, last: last, lastIngested: lastIngested)
  }
}

/// Fills the demo's environment up to now, then keeps it alive.
struct DemoSeeder: Sendable {
  /// How much was sent last before an interruption may be missing: batches travel side by side.
  private static let overlap: Int64 = 3 * 86_400_000
  /// Enough that the buffer makes full blocks of them.
  private static let batchesInFlight = 24

  private let data: DemoData
  private let sink: any EventSink
  /// Where sending begins.
  private let begin: Instant

  /// - Parameter history: what is there already; the rest is added.
  init(sink: any EventSink, history: DemoHistory?, now: Instant) {
    self.sink = sink
    data = DemoData(now: now, start: history?.first)
    guard let history else {
      begin = data.start
      return
    }
    // Event ids make an overlap harmless, as long as the store remembers them.
    let isRemembered = now.milliseconds - history.lastIngested.milliseconds < Self.overlap
    begin = history.last.adding(milliseconds: isRemembered ? -Self.overlap : 1)
  }

  /// Sends everything up to `now`, a few batches at a time; gives the number of events sent.
  ///
  /// - Parameter progress: called with the number of events that are stored.
  @discardableResult
  func fill(until now: Instant, progress: @Sendable (Int) -> Void = { _ in }) async throws -> Int {
    try await withThrowingTaskGroup(of: Int.self) { group in
      var sent = 0
      var running = 0
      try await data.forEachBatch(from: begin, to: now) { batch in
        if running == Self.batchesInFlight {
          sent += try await group.next() ?? 0
          running -= 1
          progress(sent)
        }
        let sink = sink
        group.addTask { try await sink.send(batch).accepted }
        running += 1
      }
      for try await accepted in group {
        sent += accepted
        progress(sent)
      }
      return sent
    }
  }

  /// The service that goes on after `filled`, the moment up to which ``fill(until:progress:)`` went.
  func feed(from filled: Instant, clock: @escaping @Sendable () -> Instant, logger: Logger) -> DemoFeed {
    DemoFeed(data: data, sink: sink, begin: filled, clock: clock, logger: logger)
  }
}

/// Lets the demo's customers go on using the product while the demo runs.
struct DemoFeed: Service {
  let data: DemoData
  let sink: any EventSink
  let begin: Instant
  let clock: @Sendable () -> Instant
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var from = begin
      while !Task.isCancelled {
        do {
          try await Task.sleep(for: .seconds(5))
          let to = clock()
          try await data.forEachBatch(from: from, to: to) { _ = try await sink.send($0) }
          from = to
        } catch is CancellationError {
          return
        } catch {
          // The same span is sent again next time; ids make that harmless.
          logger.warning("The demo's events could not be stored", metadata: ["error": "\(error)"])
        }
      }
    }
  }
}
