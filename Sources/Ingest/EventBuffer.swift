/// Gathers the events of all requests into blocks: group commit as a pure state machine.
///
/// A request's events go in with ``submit(_:now:)``; the machine answers with the actions to perform. A lone request is inserted
/// at once. While an insert is on its way, what arrives gathers; a further insert may start beside it as soon as enough has
/// gathered or the oldest has waited ``EventBufferConfiguration/linger``. No block starts that shares an event id with a block on its way:
/// the check for ids that are already stored could not see it.
///
/// What is here is bounded: a submission that would not fit is refused, and the sender told to come back.
public struct EventBuffer: Sendable {
  public typealias Time = ContinuousClock.Instant
  public typealias Ticket = UInt64

  /// The events of one request that wait for their insert.
  public struct Submission: Sendable {
    public let ticket: Ticket
    public let events: EncodedEvents
    let arrival: Time
  }

  /// What one insert carries.
  public struct Block: Sendable {
    public let id: UInt64
    public let submissions: [Submission]
    /// Of all rows that have an event id.
    let keys: Set<EventKey>
  }

  public enum Action: Sendable {
    /// Insert this block, then call ``completed(_:_:now:)``.
    case insert(Block)
    /// Call ``timerFired(now:)`` at this time.
    case wake(at: Time)
    /// Answer the submitter.
    case answer(Ticket, StoreOutcome)
    /// Nothing is left and nothing more will come.
    case finish
  }

  private let configuration: EventBufferConfiguration
  private var queue: [Submission] = []
  private var queuedRows = 0
  private var queuedBytes = 0
  private var inFlight: [UInt64: Block] = [:]
  private var inFlightBytes = 0
  private var wakeTime: Time?
  /// That of the next submission; tickets count up.
  public private(set) var nextTicket: Ticket = 0
  private var nextBlock: UInt64 = 0
  private var isClosed = false
  private var isFinished = false

  public init(_ configuration: EventBufferConfiguration = EventBufferConfiguration()) { self.configuration = configuration }

  /// Bytes waiting or on their way.
  public var heldBytes: Int { queuedBytes + inFlightBytes }

  /// Takes the events of one request. The ticket names them in a later ``Action/answer(_:_:)``.
  public mutating func submit(_ events: EncodedEvents, now: Time) -> (Ticket, [Action]) {
    let ticket = nextTicket
    nextTicket += 1
    guard events.count > 0 else { return (ticket, [.answer(ticket, .stored(refusedRows: []))]) }
    guard !isClosed else { return (ticket, [.answer(ticket, .closed)]) }
    // Something that is larger than the whole buffer still passes when it is alone.
    guard heldBytes == 0 || heldBytes + events.byteCount <= configuration.maximumHeldBytes else {
      return (ticket, [.answer(ticket, .overloaded)])
    }
    queue.append(Submission(ticket: ticket, events: events, arrival: now))
    queuedRows += events.count
    queuedBytes += events.byteCount
    return (ticket, dispatch(now: now))
  }

  /// An insert has ended; `outcomes` has one entry for each submission of the block.
  public mutating func completed(_ id: UInt64, _ outcomes: [StoreOutcome], now: Time) -> [Action] {
    guard let block = inFlight.removeValue(forKey: id) else { return [] }
    for submission in block.submissions { inFlightBytes -= submission.events.byteCount }
    return zip(block.submissions, outcomes).map { .answer($0.ticket, $1) } + dispatch(now: now)
  }

  public mutating func timerFired(now: Time) -> [Action] {
    if let time = wakeTime, time <= now { wakeTime = nil }
    return dispatch(now: now)
  }

  /// Takes nothing more; what is held is still inserted.
  public mutating func close(now: Time) -> [Action] {
    isClosed = true
    return dispatch(now: now)
  }

  /// Takes nothing more and gives up what waits, because inserts can no longer be performed; with `inFlight` also what was handed
  /// out as a block and has not come back.
  public mutating func abandon(inFlight includingBlocks: Bool) -> [Action] {
    isClosed = true
    var abandoned = queue
    queue = []
    queuedRows = 0
    queuedBytes = 0
    if includingBlocks {
      for id in inFlight.keys.sorted() { abandoned += inFlight[id]?.submissions ?? [] }
      inFlight = [:]
      inFlightBytes = 0
    }
    return abandoned.map { .answer($0.ticket, .closed) }
  }

  private mutating func dispatch(now: Time) -> [Action] {
    var actions: [Action] = []
    while let oldest = queue.first, inFlight.count < configuration.maximumInFlight {
      let isDue =
        inFlight.isEmpty || isClosed || queuedRows >= configuration.blockRows || queuedBytes >= configuration.blockBytes
        || oldest.arrival + configuration.linger <= now
      guard isDue else {
        let due = oldest.arrival + configuration.linger
        if wakeTime.map({ $0 > due }) ?? true {
          wakeTime = due
          actions.append(.wake(at: due))
        }
        break
      }
      // Nil when everything that waits shares ids with what is on its way; its completion comes back here.
      guard let block = takeBlock() else { break }
      actions.append(.insert(block))
    }
    if isClosed, queue.isEmpty, inFlight.isEmpty, !isFinished {
      isFinished = true
      actions.append(.finish)
    }
    return actions
  }

  private mutating func takeBlock() -> Block? {
    var taken: [Submission] = []
    var left: [Submission] = []
    var rows = 0
    var bytes = 0
    for (position, submission) in queue.enumerated() {
      let isFull =
        !taken.isEmpty
        && (rows + submission.events.count > configuration.blockRows
          || bytes + submission.events.byteCount > configuration.blockBytes)
      if isFull {
        left.append(contentsOf: queue[position...])
        break
      }
      guard !sharesKeyInFlight(submission.events) else {
        left.append(submission)
        continue
      }
      taken.append(submission)
      rows += submission.events.count
      bytes += submission.events.byteCount
    }
    guard !taken.isEmpty else { return nil }
    queue = left
    queuedRows -= rows
    queuedBytes -= bytes
    inFlightBytes += bytes
    // Only now: two requests with the same id may share a block, where the writer drops the second.
    var keys: Set<EventKey> = []
    keys.reserveCapacity(taken.reduce(0) { $0 + $1.events.keyedRows.count })
    for submission in taken {
      for key in submission.events.keys { keys.insert(key) }
    }
    let block = Block(id: nextBlock, submissions: taken, keys: keys)
    nextBlock += 1
    inFlight[block.id] = block
    return block
  }

  private func sharesKeyInFlight(_ events: EncodedEvents) -> Bool {
    guard !events.keyedRows.isEmpty else { return false }
    return inFlight.values.contains { block in !block.keys.isEmpty && events.keys.contains { block.keys.contains($0) } }
  }
}

/// What became of the events that were submitted.
public enum StoreOutcome: Sendable, Hashable {
  /// Durable. `refusedRows` are the positions of single events that the store itself did not take; it is empty unless the
  /// validator has a gap.
  case stored(refusedRows: [Int])
  /// Durable in the spool, and in the store as soon as that takes it; `refusedRows` as above.
  case spooled(refusedRows: [Int])
  /// Not taken: too much is already waiting.
  case overloaded
  /// Not taken: the store is away and the spool holds as much as it may.
  case spoolFull
  /// Not taken: the store is away and the spool's disk does not take it.
  case spoolUnavailable(cause: String)
  /// Not stored: the store did not take the insert before the deadline, and there is no spool.
  case unavailable(cause: String)
  /// Not taken: the program is stopping.
  case closed
}

/// The sizes and times of the ``EventBufferService``.
public struct EventBufferConfiguration: Sendable {
  /// A block is full with this many rows …
  public var blockRows: Int
  /// … or this many bytes.
  public var blockBytes: Int
  /// How long a request may wait for company while another insert is on its way.
  public var linger: Duration
  /// Inserts on their way at the same time.
  public var maximumInFlight: Int
  /// Bytes that wait or are on their way; beyond it, requests are answered with 503 `ingest_overloaded`.
  public var maximumHeldBytes: Int

  public init(
    blockRows: Int = 20_000, blockBytes: Int = 8 << 20, linger: Duration = .milliseconds(5), maximumInFlight: Int = 2,
    maximumHeldBytes: Int = 64 << 20
  ) {
    self.blockRows = blockRows
    self.blockBytes = blockBytes
    self.linger = linger
    self.maximumInFlight = maximumInFlight
    self.maximumHeldBytes = maximumHeldBytes
  }
}
