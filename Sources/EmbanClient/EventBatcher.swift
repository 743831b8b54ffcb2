/// Gathers events and sends them in batches, so that the code that makes them waits for nothing.
///
///     let events = EventBatcher(emban) { loss in logger.warning("\(loss)") }
///     try await events.add(EmbanEvent(tenantID: "acme", eventName: "api.call"))
///     …
///     try await events.shutdown()  // sends what is left
///
/// A batch is sent when ``Configuration/size`` events wait or the oldest has waited for ``Configuration/interval``. While the server is
/// away they are kept and tried again, at most ``Configuration/capacity`` of them; then ``add(_:)`` throws, and nothing is dropped in silence.
/// A batch that a proxy finds too large (413) is halved; a single event that is too large is told to `onLoss`, as one that the server refuses.
///
/// In a group of services it stops with the others, as `run()` ends by sending what is left:
///
///     extension EventBatcher: @retroactive Service {}
///     let group = ServiceGroup(services: [events, server], logger: logger)
///
/// where ``run()`` is wrapped in `cancelWhenGracefulShutdown` for a group that ends gracefully.
public actor EventBatcher {
  public struct Configuration: Sendable, Hashable {
    /// How many events are sent at once.
    public var size: Int
    /// How long an event waits at most before it is sent, and how long after a failure it is tried again.
    public var interval: Duration
    /// How many events may wait in all.
    public var capacity: Int

    public init(size: Int = 500, interval: Duration = .seconds(2), capacity: Int = 10_000) {
      self.size = max(1, size)
      self.interval = interval
      self.capacity = max(1, capacity)
    }
  }

  /// Events that will not be stored.
  public struct Loss: Sendable, CustomStringConvertible {
    public let events: [EmbanEvent]
    /// How many there are: more than `events` where the server named only the first hundred that it refused.
    public let count: Int
    /// Why the server refused single events, in the order of `events`; empty when a request as a whole was refused.
    public let rejections: [EmbanIngestResult.Rejection]
    /// Why a request as a whole was refused, or could not be sent before the end.
    public let error: EmbanError?

    public var description: String {
      let reason = error.map { "\($0)" } ?? rejections.first.map { "\($0.field) \($0.expected)" } ?? "refused"
      return "\(count) events were not stored: \(reason)"
    }
  }

  /// How often events are sent that something refuses which is not Emban.
  private static let mostStrangeAnswers = 8

  private let client: EmbanClient
  private let configuration: Configuration
  private let onLoss: @Sendable (Loss) -> Void

  private var waiting: [EmbanEvent] = []
  private var underWay = 0
  private var timer: Task<Void, Never>?
  private var sender: Task<Void, Never>?
  private var lastFailure: EmbanError?
  /// In a row, of refusals by something that is not Emban.
  private var strangeAnswers = 0
  /// Whether what the last failure kept from being stored waits to be sent again.
  private var isWaiting = false
  private var isClosed = false
  /// How many events were taken, and of how many it is settled what became of them.
  private var taken = 0
  private var settled = 0

  /// - Parameter onLoss: hears of every event that will not be stored. Called on the batcher's own executor: be quick.
  public init(_ client: EmbanClient, _ configuration: Configuration = Configuration(), onLoss: @escaping @Sendable (Loss) -> Void) {
    self.client = client
    self.configuration = configuration
    self.onLoss = onLoss
  }

  /// How many events wait or are being sent.
  public var count: Int { waiting.count + underWay }

  /// Takes an event; it is sent later.
  /// - Throws: ``EmbanError/batcherFull(limit:)``, ``EmbanError/batcherClosed``.
  public func add(_ event: EmbanEvent) throws(EmbanError) {
    guard !isClosed else { throw .batcherClosed }
    guard count < configuration.capacity else { throw .batcherFull(limit: configuration.capacity) }
    waiting.append(event)
    taken += 1
    schedule()
  }

  /// Sends what has been taken up to now, and waits for it.
  /// - Throws: ``EmbanError`` when the server could not take all of it: what may be stored later is kept (``count``) and tried again, the rest
  ///   was told to `onLoss`.
  public func flush() async throws(EmbanError) {
    let goal = taken
    var refusal: EmbanError?
    while settled < goal {
      startSending()
      await sender?.value
      guard let lastFailure else { continue }
      if isWaiting { throw lastFailure }
      // What was refused for good does not hold up what is behind it.
      refusal = refusal ?? lastFailure
    }
    if let refusal { throw refusal }
  }

  /// Takes no more events, sends what is left and waits for it. Doing so again is harmless.
  /// - Throws: ``EmbanError`` when the server could not take the rest, which is then lost and told to `onLoss`.
  public func shutdown() async throws(EmbanError) {
    isClosed = true
    timer?.cancel()
    timer = nil
    do {
      try await flush()
    } catch {
      let lost = waiting
      waiting = []
      settled += lost.count
      if !lost.isEmpty { onLoss(Loss(events: lost, count: lost.count, rejections: [], error: error)) }
      throw error
    }
  }

  /// Waits until the task is cancelled, then shuts down: the form of a service. Events are sent with or without it.
  /// - Throws: ``EmbanError`` as ``shutdown()`` does.
  public func run() async throws {
    while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    // A task of its own, which is awaited: this one is cancelled, and every request with it.
    try await Task { try await self.shutdown() }.value
  }

  // MARK: - Sending

  private func schedule() {
    guard !waiting.isEmpty, sender == nil, !isClosed else { return }
    // After a failure it is not the number of events that decides, but the pause.
    if waiting.count >= configuration.size, lastFailure == nil { return startSending() }
    guard timer == nil else { return }
    timer = Task { [configuration] in
      try? await Task.sleep(for: configuration.interval)
      if !Task.isCancelled { self.timeIsUp() }
    }
  }

  private func timeIsUp() {
    timer = nil
    startSending()
  }

  private func startSending() {
    guard sender == nil, !waiting.isEmpty else { return }
    timer?.cancel()
    timer = nil
    lastFailure = nil
    let batch = Array(waiting.prefix(configuration.size))
    waiting.removeFirst(batch.count)
    underWay = batch.count
    sender = Task { await self.send(batch) }
  }

  private func send(_ batch: [EmbanEvent]) async {
    let delivery = await client.deliver(batch)
    let result = delivery.result
    let unsent = delivery.unsent.map { batch[$0] }
    settled += batch.count - unsent.count
    if !result.isComplete {
      onLoss(Loss(events: result.rejections.map { batch[$0.index] }, count: result.rejected, rejections: result.rejections, error: nil))
    }
    isWaiting = false
    if let failure = delivery.failure {
      let error = failure as? EmbanError ?? .unreachable("the request was cancelled")
      lastFailure = error
      isWaiting = maySucceedLater(error)
      if isWaiting {
        waiting.insert(contentsOf: unsent, at: 0)
      } else {
        settled += unsent.count
        onLoss(Loss(events: unsent, count: unsent.count, rejections: [], error: error))
      }
    }
    if !isWaiting { strangeAnswers = 0 }
    underWay = 0
    sender = nil
    schedule()
  }

  /// A proxy's page that refuses the events (403, say) may do so for ever, and must not hold up the others.
  private func maySucceedLater(_ error: EmbanError) -> Bool {
    if error.isTransient { return true }
    guard case .unexpectedAnswer = error else { return false }
    strangeAnswers += 1
    return strangeAnswers < Self.mostStrangeAnswers
  }
}
