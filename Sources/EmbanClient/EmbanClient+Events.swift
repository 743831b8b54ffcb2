import Foundation
import NIOHTTP1

extension EmbanClient {
  /// How many events one request takes.
  static let eventsPerRequest = 1_000
  /// How many bytes of events are put into one request; the server takes 8 MiB.
  static let bytesPerRequest = 4 << 20

  /// Stores events, any number of them.
  ///
  ///     let result = try await emban.ingest(events)
  ///     for rejection in result.rejections { logger.warning("\(events[rejection.index]): \(rejection.expected)") }
  ///
  /// They are sent in requests of at most 1,000, and in smaller ones where a proxy finds these too large (413). Each carries its id, so that a
  /// request whose answer was lost is repeated without harm;
  /// for the same reason the same values may be handed over again after an error, of which a part may have been stored.
  ///
  /// - Returns: What was accepted, and which events were refused: a wrong one does not keep the others from being stored.
  /// - Throws: ``EmbanError`` when a request as a whole came to nothing, `CancellationError`.
  @discardableResult
  public func ingest(_ events: [EmbanEvent]) async throws -> EmbanIngestResult {
    let delivery = await deliver(events)
    if let failure = delivery.failure { throw failure }
    return delivery.result
  }

  /// How far the sending of events came.
  struct Delivery {
    var result = EmbanIngestResult()
    /// Which of the events are not known to be stored because of `failure`.
    var unsent: [Int] = []
    /// ``EmbanError`` or `CancellationError`.
    var failure: (any Error)?
  }

  /// As ``ingest(_:)``, but says what was done before a request failed.
  func deliver(_ events: [EmbanEvent]) async -> Delivery {
    var delivery = Delivery()
    var requests = batches(of: events, unwritable: &delivery.result)[...]
    while let batch = requests.popFirst() {
      do {
        try await send(batch, into: &delivery.result)
      } catch let error as EmbanError where error.status == 413 && batch.indexes.count > 1 {
        // More than a proxy lets through.
        requests = (batch.halves + requests)[...]
      } catch let error as EmbanError where error.status == 413 {
        delivery.result.reject(
          batch.indexes[0], "", "event_too_large", "must be small enough for what stands before the server, which answered 413")
      } catch {
        delivery.unsent = ([batch] + requests).flatMap(\.indexes)
        delivery.failure = error
        break
      }
    }
    delivery.result.rejections.sort { $0.index < $1.index }
    return delivery
  }

  private func batches(of events: [EmbanEvent], unwritable result: inout EmbanIngestResult) -> [Batch] {
    let encoder = JSONEncoder()
    var batches: [Batch] = []
    var batch = Batch()
    for (index, event) in events.enumerated() {
      guard let text = try? encoder.encode(event) else {
        // JSON has no word for them; the server's own code says what is meant.
        result.reject(index, "numeric_props", "numeric_props_not_finite", "must hold finite numbers")
        continue
      }
      if batch.indexes.count == Self.eventsPerRequest || (!batch.indexes.isEmpty && batch.bytes + text.count > Self.bytesPerRequest) {
        batches.append(batch)
        batch = Batch()
      }
      batch.texts.append(text)
      batch.indexes.append(index)
      batch.bytes += text.count + 1
    }
    return batch.indexes.isEmpty ? batches : batches + [batch]
  }

  /// Events of one request, and which of the caller's they are.
  private struct Batch {
    var texts: [Data] = []
    var indexes: [Int] = []
    var bytes = 0

    var body: [UInt8] {
      var body = Array(#"{"events":["#.utf8)
      for (number, text) in texts.enumerated() {
        if number > 0 { body.append(UInt8(ascii: ",")) }
        body += text
      }
      return body + Array("]}".utf8)
    }

    var halves: [Batch] {
      let middle = (indexes.count + 1) / 2
      return [0..<middle, middle..<indexes.count].map { Batch(texts: Array(texts[$0]), indexes: Array(indexes[$0])) }
    }
  }

  /// What `POST /v1/events` answers, also beside an error.
  private struct Receipt: Decodable {
    var accepted: Int
    var rejected: Int?
    var errors: [EmbanIngestResult.Rejection]?
  }

  private func send(_ batch: Batch, into result: inout EmbanIngestResult) async throws {
    var request = Transport.Request(.POST, "/v1/events")
    request.body = batch.body
    let answer = try await transport.send(request) { $0 == 200 || $0 == 422 }
    // 422 without this list is about the request, not about its events.
    guard let receipt = try? answer.decode(Receipt.self), answer.status == 200 || receipt.errors != nil else { throw answer.error }
    result.accepted += receipt.accepted
    result.rejected += receipt.rejected ?? 0
    for var rejection in receipt.errors ?? [] where batch.indexes.indices.contains(rejection.index) {
      rejection.index = batch.indexes[rejection.index]
      result.rejections.append(rejection)
    }
  }
}

extension EmbanIngestResult {
  fileprivate mutating func reject(_ index: Int, _ field: String, _ code: String, _ expected: String) {
    rejected += 1
    rejections.append(Rejection(index: index, field: field, code: code, expected: expected))
  }
}
