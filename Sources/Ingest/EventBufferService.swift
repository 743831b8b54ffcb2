public import ClickHouse
public import Logging
public import ServiceLifecycle
import Synchronization

/// Stores the events of all requests through one ``EventBuffer``: performs its actions and resumes the requests that wait.
///
/// Run it as a service that starts before the HTTP server and therefore stops after it; when stopped gracefully it stores what it
/// holds and answers everybody before ``run()`` returns.
public final class EventBufferService: Service, Sendable {
  private struct State {
    var buffer: EventBuffer
    var waiting: [EventBuffer.Ticket: CheckedContinuation<StoreOutcome, Never>] = [:]
  }

  private enum Command: Sendable {
    case insert(EventBuffer.Block)
    case wake(at: EventBuffer.Time)
  }

  private let state: Mutex<State>
  private let spool: Spool?
  private let writer: BatchWriter
  private let commands: AsyncStream<Command>
  private let commandSink: AsyncStream<Command>.Continuation

  /// - Parameters:
  ///   - client: inserts into `emban.events` as ``DatabaseRole/admin``.
  ///   - configuration: sizes and times of the group commit.
  ///   - spool: takes what ClickHouse cannot; nil for none. A ``SpoolReplayer`` has to run on it.
  ///   - retry: what happens while ClickHouse is away and there is no spool, or it is turned off.
  ///   - duplicates: to be given where other programs write to the same store.
  public init(
    client: ClickHouseClient, spool: Spool? = nil, configuration: EventBufferConfiguration = EventBufferConfiguration(),
    retry: RetryPolicy = RetryPolicy(), metrics: IngestMetrics = IngestMetrics(), duplicates: DuplicateRepair? = nil, logger: Logger
  ) {
    state = Mutex(State(buffer: EventBuffer(configuration)))
    self.spool = spool
    writer = BatchWriter(
      table: EventTable(client: client, metrics: metrics, duplicates: duplicates), spool: spool, policy: retry, metrics: metrics,
      logger: logger)
    (commands, commandSink) = AsyncStream.makeStream()
  }

  /// Stores the events; returns when they are durable, or when it is certain that they will not be.
  public func store(_ events: EncodedEvents) async -> StoreOutcome {
    await withCheckedContinuation { continuation in
      let actions = state.withLock { state in
        let (ticket, actions) = state.buffer.submit(events, now: .now)
        state.waiting[ticket] = continuation
        return actions
      }
      perform(actions)
    }
  }

  /// Bytes of events that wait or are on their way to the store.
  public var heldBytes: Int { state.withLock { $0.buffer.heldBytes } }

  /// Waits until everything is in the store that was submitted before this call, whether it went there directly or through the spool.
  /// - Returns: false when that was not so within `limit`.
  public func settle(within limit: Duration) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    let ticket = state.withLock { $0.buffer.nextTicket }
    var sequence: UInt64?
    while true {
      if state.withLock({ ($0.waiting.keys.min() ?? ticket) >= ticket }) {
        guard let spool else { return true }
        // What waited has been stored or spooled by now, or broke off.
        if await spool.completeBrokenInserts() {
          let last = sequence ?? spool.lastSequence
          sequence = last
          if spool.isReplayed(through: last) { return true }
        }
      }
      guard .now < deadline else { return false }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  public func run() async {
    await withGracefulShutdownHandler {
      await withDiscardingTaskGroup { group in
        for await command in commands {
          switch command {
          case .insert(let block):
            group.addTask {
              let outcomes = await self.writer.write(block.submissions.map(\.events), keys: block.keys)
              self.step { $0.completed(block.id, outcomes, now: .now) }
            }
          case .wake(let time):
            group.addTask {
              try? await Task.sleep(until: time, clock: .continuous)
              self.step { $0.timerFired(now: .now) }
            }
          }
        }
        // Reached when everything is stored, or by cancellation: then what waits cannot be stored any more.
        step { $0.abandon(inFlight: false) }
      }
      step { $0.abandon(inFlight: true) }
    } onGracefulShutdown: {
      self.step { $0.close(now: .now) }
    }
  }

  private func step(_ transition: (inout EventBuffer) -> [EventBuffer.Action]) {
    perform(state.withLock { transition(&$0.buffer) })
  }

  private func perform(_ actions: [EventBuffer.Action]) {
    for action in actions {
      switch action {
      case .insert(let block): commandSink.yield(.insert(block))
      case .wake(let time): commandSink.yield(.wake(at: time))
      case .answer(let ticket, let outcome):
        state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume(returning: outcome)
      case .finish: commandSink.finish()
      }
    }
  }
}
