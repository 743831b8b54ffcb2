import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Requests as a browser makes them, but one at a time, without following redirects or unpacking bodies.
struct Probe: Sendable {
  let client: HTTPClient

  struct Answer: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let body: [UInt8]
    let received: Date

    func header(_ name: String) -> String? { headers.first(name: name) }
    func all(_ name: String) -> [String] { headers[name] }
    var text: String { String(decoding: body, as: UTF8.self) }
  }

  enum Failure: Error, Sendable {
    case notFound(String)
    case refused
    case silent
    case certificate(String)
    case handshake(String)
    case broken(String)
  }

  /// The longest body that is read.
  private static let bodyBytes = 8 << 20

  private func request(_ method: HTTPMethod, _ url: String, _ headers: [(String, String)], _ body: String?) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: url)
    request.method = method
    request.headers = ["User-Agent": "emban-doctor", "Accept": "*/*"]
    for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(ByteBuffer(string: body))
    }
    return request
  }

  func send(
    _ method: HTTPMethod, _ url: String, _ headers: [(String, String)] = [], body: String? = nil
  ) async -> Result<Answer, Failure> {
    do {
      let response = try await client.execute(request(method, url, headers, body), timeout: .seconds(60))
      let bytes = try await response.body.collect(upTo: Self.bodyBytes)
      return .success(
        Answer(status: Int(response.status.code), headers: response.headers, body: Array(bytes.readableBytesView), received: Date()))
    } catch {
      return .failure(Self.failure(error))
    }
  }

  /// The head of an answer that does not end, and what of it arrived in time.
  func begin(_ url: String, _ headers: [(String, String)], patience: Duration) async -> Result<Answer, Failure> {
    let work = Task { () throws -> Answer in
      let response = try await client.execute(request(.GET, url, headers, nil), timeout: .seconds(900))
      var first: [UInt8] = []
      for try await part in response.body {
        first += Array(part.readableBytesView)
        if !first.isEmpty { break }
      }
      return Answer(status: Int(response.status.code), headers: response.headers, body: first, received: Date())
    }
    let clock = Task {
      try await Task.sleep(for: patience)
      work.cancel()
    }
    defer { clock.cancel() }
    do {
      return .success(try await work.value)
    } catch {
      return .failure(work.isCancelled ? .silent : Self.failure(error))
    }
  }

  /// The library of TLS is not named here: its errors are known by their words.
  private static func failure(_ error: any Error) -> Failure {
    let words = "\(error)"
    if words.contains("CERTIFICATE_VERIFY_FAILED") || words.contains("unableToValidateCertificate") || words.contains("noSNI") {
      return .certificate("the certificate is not trusted, has expired, or is of another name")
    }
    if "\(type(of: error))".contains("SSL") || words.contains("handshakeFailed") || words.contains("WRONG_VERSION_NUMBER") {
      return .handshake(words.contains("WRONG_VERSION_NUMBER") ? "the other side does not speak TLS" : "the handshake failed")
    }
    if let error = error as? NIOConnectionError {
      if error.connectionErrors.isEmpty { return .notFound(error.host) }
      return .refused
    }
    switch error {
    case let error as HTTPClientError where error == .connectTimeout || error == .readTimeout || error == .deadlineExceeded: return .silent
    case let error as HTTPClientError: return .broken(error.shortDescription)
    case is CancellationError: return .silent
    default: return .broken("\(type(of: error))")
    }
  }
}

extension Probe.Failure {
  var words: String {
    switch self {
    case .notFound(let host): "the name \(host) is not known"
    case .refused: "nobody listens there"
    case .silent: "no answer came in time"
    case .certificate(let reason), .handshake(let reason), .broken(let reason): reason
    }
  }

  var isTLS: Bool {
    switch self {
    case .certificate, .handshake: true
    case .notFound, .refused, .silent, .broken: false
    }
  }
}
