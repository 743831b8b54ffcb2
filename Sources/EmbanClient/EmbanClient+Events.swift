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
  /// They are sent in requests of at most 1,000. Each carries its id, so that a request whose answer was lost is repeated without harm;
  /// for the same reason the same values may be handed over again after an error, of which a part may have been stored.
  ///
  /// - Returns: What was accepted, and which events were refused: a wrong one does not keep the others from being stored.
  /// - Throws: ``EmbanError`` when a request as a whole came to nothing, `CancellationError`.
  @discardableResult
  public func ingest(_ events: [EmbanEvent]) async throws -> EmbanIngestResult {
    var result = EmbanIngestResult()
    let encoder = JSONEncoder()
    var batch = Batch()
    for (index, event) in events.enumerated() {
      let text: Data
      do {
        text = try encoder.encode(event)
      } catch is EncodingError {
        // JSON has no word for them; the server's own code says what is meant.
        result.rejected += 1
        result.rejections.append(
          .init(index: index, field: "numeric_props", code: "numeric_props_not_finite", expected: "must hold finite numbers"))
        continue
      }
      if batch.indexes.count == Self.eventsPerRequest || (!batch.indexes.isEmpty && batch.body.count + text.count > Self.bytesPerRequest) {
        try await send(batch, into: &result)
        batch = Batch()
      }
      batch.add(text, index)
    }
    if !batch.indexes.isEmpty { try await send(batch, into: &result) }
    result.rejections.sort { $0.index < $1.index }
    return result
  }

  /// Events of one request, and which of the caller's they are.
  private struct Batch {
    var body = Data(#"{"events":["#.utf8)
    var indexes: [Int] = []

    mutating func add(_ event: Data, _ index: Int) {
      if !indexes.isEmpty { body.append(UInt8(ascii: ",")) }
      body.append(event)
      indexes.append(index)
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
    request.body = Array(batch.body) + Array("]}".utf8)
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
