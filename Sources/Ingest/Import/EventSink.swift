public import Domain

/// Takes valid events in batches: the local pipeline, or a server over HTTP.
public protocol EventSink: Sendable {
  /// Returns when the events are durable. Rejections count from 0 within the batch.
  ///
  /// - Parameter events: at most ``Limits/eventsPerRequest``.
  /// - Throws: when it is not certain that they are stored.
  func send(_ events: [Event]) async throws -> IngestReceipt
}

/// Sends events into the pipeline of this process, under one scope.
public struct PipelineSink: EventSink {
  private let pipeline: IngestPipeline
  private let scope: IngestScope

  public init(_ pipeline: IngestPipeline, scope: IngestScope) {
    self.pipeline = pipeline
    self.scope = scope
  }

  /// How long a store that is away is waited for.
  private static let patience: Duration = .seconds(300)

  /// Waits while the buffer is full, and, when every event has an id, while the store is away: without ids it is not known whether the first
  /// attempt has arrived.
  public func send(_ events: [Event]) async throws -> IngestReceipt {
    let giveUp = ContinuousClock.now + Self.patience
    let mayRepeat = events.allSatisfy { $0.eventID != nil }
    while true {
      do throws(AppError) {
        return try await pipeline.store(events, scope: scope)
      } catch {
        let isAway = error.status == 503 && error.code != "shutting_down" && mayRepeat && ContinuousClock.now < giveUp
        guard error.code == "ingest_overloaded" || isAway else { throw error }
      }
      try await Task.sleep(for: .milliseconds(100))
    }
  }
}
