import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Requests to one server under one key, repeated where that is harmless.
struct Transport: Sendable {
  let base: String
  private let key: Secret
  private let retry: EmbanRetryPolicy
  private let timeout: Duration
  private let http: HTTPClient

  /// The longest answer that is read, in bytes.
  private static let answerBytes = 64 << 20

  /// A text that no description, interpolation or dump shows.
  private struct Secret: Sendable, CustomStringConvertible, CustomReflectable {
    let value: String
    var description: String { "[redacted]" }
    var customMirror: Mirror { Mirror(self, children: []) }
  }

  init(baseURL: String, key: String, retry: EmbanRetryPolicy, timeout: Duration, http: HTTPClient) throws(EmbanError) {
    guard let url = URL(string: baseURL), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme), url.host() != nil,
      url.query() == nil, url.fragment() == nil, url.user() == nil
    else { throw .invalidConfiguration("The server's address must be http or https, such as https://analytics.example.com.") }
    guard !key.isEmpty, key.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
      throw .invalidConfiguration("The API key is empty or holds characters that no key has.")
    }
    base = String(baseURL.reversed().drop { $0 == "/" }.reversed())
    self.key = Secret(value: key)
    self.retry = retry
    self.timeout = timeout
    self.http = http
  }

  struct Request: Sendable {
    var method: HTTPMethod
    var path: String
    var query: [(String, String?)] = []
    var body: [UInt8]?
    var headers: [(String, String)] = []
    /// Whether it may be performed twice when an answer was lost. What the server refuses with 429 or 503 it has not performed.
    var isRepeatable = true

    init(_ method: HTTPMethod, _ path: String) {
      self.method = method
      self.path = path
    }

    /// The address's part behind the server. Values are encoded strictly: `+`, `&` and `/` are data in them.
    var target: String {
      let pairs = query.compactMap { name, value in value.map { "\(name)=\(Transport.encoded($0))" } }
      return path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
    }
  }

  struct Answer: Sendable {
    let status: Int
    let retryAfter: Int?
    let body: [UInt8]

    func decode<T: Decodable>(_: T.Type) throws -> T {
      do {
        return try JSONDecoder().decode(T.self, from: Data(body))
      } catch {
        throw EmbanError.unexpectedAnswer(status: status, reason: "its body is not what this route answers")
      }
    }

    var error: EmbanError {
      guard let json = try? JSONDecoder().decode(EmbanJSON.self, from: Data(body)),
        let error = EmbanAPIError(status: status, retryAfter: retryAfter, body: json)
      else { return .unexpectedAnswer(status: status, reason: "its body is no error of the API; a proxy may have answered") }
      return .api(error)
    }
  }

  /// Performs a request and waits, within the policy, for a server that is busy or away.
  /// - Parameter isWanted: which statuses are no errors.
  /// - Throws: ``EmbanError``, `CancellationError`.
  func send(_ request: Request, isWanted: (Int) -> Bool = { 200...299 ~= $0 }) async throws -> Answer {
    var attempt = 1
    while true {
      let outcome = await perform(request)
      try Task.checkCancellation()
      let failure: EmbanError
      var pause = retry.pause(after: attempt)
      switch outcome {
      case .success(let answer) where isWanted(answer.status): return answer
      case .success(let answer) where answer.status == 429 || answer.status == 503:
        failure = answer.error
        if let seconds = answer.retryAfter { pause = max(.seconds(seconds), pause) }
        if pause > retry.maximumDelay { throw failure }
      // A proxy that has lost the server: what became of the request is not known.
      case .success(let answer) where answer.status == 502 || answer.status == 504:
        failure = answer.error
        guard request.isRepeatable else { throw failure }
      case .success(let answer): throw answer.error
      case .failure(let error):
        failure = error
        guard request.isRepeatable else { throw failure }
      }
      guard attempt < retry.maximumAttempts else { throw failure }
      attempt += 1
      try await Task.sleep(for: pause)
    }
  }

  private func perform(_ request: Request) async -> Result<Answer, EmbanError> {
    var sent = HTTPClientRequest(url: base + request.target)
    sent.method = request.method
    sent.headers = ["Authorization": "Bearer \(key.value)", "Accept": "application/json", "User-Agent": "emban-swift"]
    for (name, value) in request.headers { sent.headers.add(name: name, value: value) }
    if let body = request.body {
      sent.headers.add(name: "Content-Type", value: "application/json")
      sent.body = .bytes(body)
    }
    do {
      let response = try await http.execute(sent, timeout: TimeAmount(timeout))
      let body = try await response.body.collect(upTo: Self.answerBytes)
      return .success(
        Answer(
          status: Int(response.status.code), retryAfter: response.headers.first(name: "Retry-After").flatMap { Int($0) },
          body: Array(body.readableBytesView)))
    } catch is NIOTooManyBytesError {
      return .failure(.unexpectedAnswer(status: 200, reason: "it is longer than \(Self.answerBytes) bytes"))
    } catch {
      return .failure(.unreachable((error as? HTTPClientError)?.shortDescription ?? "\(error)"))
    }
  }

  /// Percent-encodes all but the unreserved characters of RFC 3986.
  static func encoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default: encoded += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
      }
    }
    return encoded
  }

  /// A JSON body.
  static func body(_ value: some Encodable) throws -> [UInt8] {
    do {
      return Array(try JSONEncoder().encode(value))
    } catch {
      throw EmbanError.invalidConfiguration("The request cannot be written as JSON: it holds a number that is not finite.")
    }
  }
}
