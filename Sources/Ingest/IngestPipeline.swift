public import Domain
public import NIOCore

/// The path of an event from the bytes of a request to the store: decode → validate → encode → buffer.
public struct IngestPipeline: Sendable {
  private let intake = EventIntake()
  private let buffer: EventBufferService
  private let metrics: IngestMetrics
  private let now: @Sendable () -> Instant
  private let stored: @Sendable (IngestScope, [StoredEvents]) -> Void

  /// - Parameter stored: told whose events are in the store, before whoever sent them is; also when it is not certain that they are.
  public init(
    buffer: EventBufferService, metrics: IngestMetrics = IngestMetrics(), now: @escaping @Sendable () -> Instant,
    stored: @escaping @Sendable (IngestScope, [StoredEvents]) -> Void = { _, _ in }
  ) {
    self.buffer = buffer
    self.metrics = metrics
    self.now = now
    self.stored = stored
  }

  /// Takes the body of `POST /v1/events` (already decompressed). Returns when the accepted events are durable.
  ///
  /// - Throws: ``AppError`` 400 `malformed_json`, 415, 422 naming `events` for a body of the wrong shape, 422 `no_valid_event` with the
  ///   list of rejections; 503 `ingest_overloaded`, `event_store_unavailable` or `shutting_down` with `Retry-After`.
  public func ingest(_ body: ByteBuffer, contentType: String?, scope: IngestScope) async throws(AppError) -> IngestReceipt {
    let format = try EventDecoder.Format(contentType: contentType)
    let taken = try intake.take(body, format: format, scope: scope, now: now())
    let receipt: IngestReceipt
    do throws(AppError) {
      receipt = try await store(taken)
    } catch {
      metrics.unavailable(error.code)
      throw error
    }
    metrics.answered(receipt)
    guard receipt.accepted > 0 else { throw receipt.noValidEvent }
    return receipt
  }

  /// Stores events that are valid already, such as those of an import.
  public func store(_ events: [Event], scope: IngestScope) async throws(AppError) -> IngestReceipt {
    try await store(TakenEvents(events, scope: scope))
  }

  private func store(_ taken: TakenEvents) async throws(AppError) -> IngestReceipt {
    guard taken.encoded.count > 0 else { return IngestReceipt(accepted: 0, rejections: taken.rejections) }
    let outcome = await buffer.store(taken.encoded)
    // What went into the spool is told of when it comes out of it.
    if case .spooled = outcome {} else { stored(taken.encoded.scope, taken.stored) }
    switch outcome {
    case .stored(let refusedRows), .spooled(let refusedRows):
      guard !refusedRows.isEmpty else {
        return IngestReceipt(accepted: taken.encoded.count, rejections: taken.rejections)
      }
      let refused = refusedRows.map {
        Rejection(
          index: taken.acceptedIndices[$0], field: "", code: .notStorable, expected: "could not be stored as it is")
      }
      return IngestReceipt(
        accepted: taken.encoded.count - refused.count,
        rejections: (taken.rejections + refused).sorted { $0.index < $1.index })
    case .overloaded:
      throw .unavailable("ingest_overloaded", "Too many events are waiting to be stored. Nothing was stored; send them again.")
    case .spoolFull:
      throw .unavailable(
        "spool_full", "The event store is away and as many events wait for it as may. Nothing was stored; send them again.",
        retryAfter: 10)
    case .spoolUnavailable(let cause):
      throw .unavailable(
        "spool_unavailable", "The event store is away and its stand-in cannot be written. Nothing was stored; send the events again.",
        retryAfter: 10, cause: cause)
    case .unavailable(let cause):
      throw .unavailable(
        "event_store_unavailable", "The event store is not available at the moment. Send the events again.", retryAfter: 5,
        cause: cause)
    case .closed:
      throw .unavailable("shutting_down", "The server is stopping. Nothing was stored; send the events again.")
    }
  }
}

/// Events of one tenant that were stored together.
public struct StoredEvents: Sendable, Hashable {
  public let tenant: TenantID
  /// At most: resent ones that were already there are among them.
  public private(set) var count: Int
  /// The time of the earliest of them.
  public private(set) var earliest: Instant

  static func of(_ events: [Event]) -> [StoredEvents] {
    var stored: [TenantID: StoredEvents] = [:]
    for event in events {
      stored[event.tenantID, default: StoredEvents(tenant: event.tenantID, count: 0, earliest: event.timestamp)].add(event.timestamp)
    }
    return Array(stored.values)
  }

  /// Counts one more.
  mutating func add(_ timestamp: Instant) {
    count += 1
    earliest = min(earliest, timestamp)
  }
}

/// The answer to a request with events.
public struct IngestReceipt: Sendable {
  /// Durable now; resent events that were already there count too.
  public let accepted: Int
  /// All of them, in the order of the request.
  public let rejections: [Rejection]

  public init(accepted: Int, rejections: [Rejection]) {
    self.accepted = accepted
    self.rejections = rejections
  }

  /// `{"accepted": 3, "status": "ok"}`, or with rejections `{"accepted": 2, "rejected": 1, "status": "partial", "errors": […]}`, which
  /// lists at most ``Limits/listedRejections``.
  public var json: JSONValue {
    guard !rejections.isEmpty else { return ["accepted": .int(accepted), "status": "ok"] }
    return .object(rejectionMembers(status: "partial"))
  }

  /// 422 when not one event was valid.
  var noValidEvent: AppError {
    var error = AppError.invalid(rejections.prefix(Limits.listedRejections).map(\.problem), code: "no_valid_event")
    if rejections.count > 1 { error.message = "None of the \(rejections.count) events is valid. The first: \(error.message)" }
    error.extra = rejectionMembers(status: "rejected")
    return error
  }

  private func rejectionMembers(status: String) -> [String: JSONValue] {
    [
      "accepted": .int(accepted), "rejected": .int(rejections.count), "status": .string(status),
      "errors": .array(rejections.prefix(Limits.listedRejections).map(\.json)),
    ]
  }
}
