import AsyncHTTPClient
import Domain
import Foundation
import Ingest
import NIOCore
import NIOHTTP1

/// Sends events to a running server: `POST /v1/events`.
struct HTTPEventSink: EventSink {
  private let client: HTTPClient
  private let address: String
  private let key: String

  /// - Parameter url: the server's address, such as `http://localhost:8080`.
  init(client: HTTPClient, url: String, key: String) {
    self.client = client
    address = (url.hasSuffix("/") ? String(url.dropLast()) : url) + "/v1/events"
    self.key = key
  }

  /// How long a server that says "later" is waited for.
  private static let patience: Duration = .seconds(300)

  func send(_ events: [Event]) async throws -> IngestReceipt {
    let body = ByteBuffer(bytes: Self.body(events))
    let giveUp = ContinuousClock.now + Self.patience
    // Without ids it is not known, after the connection broke, whether the events were stored.
    let mayRepeat = events.allSatisfy { $0.eventID != nil }
    while true {
      let answer: Answer
      do {
        answer = try await post(body)
      } catch let error where !(error is CancellationError) {
        try Task.checkCancellation()
        guard mayRepeat, ContinuousClock.now < giveUp else {
          throw ImportError.sinkFailed(
            reason:
              "the connection to \(address) failed (\(Self.words(error))); the last \(events.count) rows may or may not be stored")
        }
        try await Task.sleep(for: .seconds(1))
        continue
      }
      switch answer.status {
      case 200: return Self.receipt(answer.json, accepted: Int(answer.json["accepted"]?.numberValue ?? 0))
      case 422 where answer.json["errors"]?.arrayValue != nil: return Self.receipt(answer.json, accepted: 0)
      case 429, 503:
        guard ContinuousClock.now < giveUp else { throw Self.failure(answer) }
        try await Task.sleep(for: .seconds(min(max(answer.retryAfter, 1), 60)))
      default: throw Self.failure(answer)
      }
    }
  }

  private struct Answer {
    let status: Int
    let retryAfter: Int
    let json: JSONValue
  }

  private func post(_ body: ByteBuffer) async throws -> Answer {
    var request = HTTPClientRequest(url: address)
    request.method = .POST
    request.headers = ["Content-Type": "application/json", "Authorization": "Bearer \(key)", "User-Agent": "emban-import"]
    request.body = .bytes(body)
    let response = try await client.execute(request, timeout: .seconds(60))
    let bytes = try await response.body.collect(upTo: 1 << 20)
    return Answer(
      status: Int(response.status.code), retryAfter: response.headers.first(name: "Retry-After").flatMap { Int($0) } ?? 1,
      json: (try? JSONParser.parse(Array(bytes.readableBytesView))) ?? .null)
  }

  private static func receipt(_ json: JSONValue, accepted: Int) -> IngestReceipt {
    let listed = (json["errors"]?.arrayValue ?? []).map { error in
      Rejection(
        index: Int(error["index"]?.numberValue ?? 0), field: error["field"]?.stringValue ?? "",
        code: error["code"]?.stringValue.flatMap(RejectionCode.init(rawValue:)) ?? .notStorable,
        expected: error["expected"]?.stringValue ?? "")
    }
    return IngestReceipt(accepted: accepted, rejections: listed)
  }

  private static func failure(_ answer: Answer) -> ImportError {
    let message = answer.json["message"]?.stringValue ?? "no explanation"
    return .sinkFailed(reason: "the server answered \(answer.status): \(message)")
  }

  private static func words(_ error: any Error) -> String {
    (error as? HTTPClientError)?.shortDescription ?? "it broke off"
  }

  private static func body(_ events: [Event]) -> [UInt8] {
    let list = events.map { event in
      JSONValue.compact([
        "tenant_id": .string(event.tenantID.rawValue), "event_name": .string(event.eventName), "timestamp": event.timestamp.json,
        "event_id": event.eventID.map(JSONValue.string), "user_id": event.userID.map(JSONValue.string),
        "string_props": event.stringProps.isEmpty ? nil : .object(event.stringProps.mapValues(JSONValue.string)),
        "numeric_props": event.numericProps.isEmpty ? nil : .object(event.numericProps.mapValues(JSONValue.number)),
      ])
    }
    return JSONValue.object(["events": .array(list)]).serializedBytes()
  }
}
