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

  /// Waits while the buffer is full.
  public func send(_ events: [Event]) async throws -> IngestReceipt {
    while true {
      do throws(AppError) {
        return try await pipeline.store(events, scope: scope)
      } catch {
        guard error.code == "ingest_overloaded" else { throw error }
      }
      try await Task.sleep(for: .milliseconds(100))
    }
  }
}
