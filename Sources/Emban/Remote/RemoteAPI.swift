import AsyncHTTPClient
import Domain
import NIOCore
import NIOHTTP1

/// A running server's API, as commands ask it with an admin key.
struct RemoteAPI {
  private let client: HTTPClient
  private let address: String
  private let key: String
  private let userAgent: String

  /// What a server said instead of what was asked for.
  struct Refused: Error, CustomStringConvertible {
    let status: Int
    let message: String
    /// A line a field: where, and what was expected there.
    let details: [String]

    var description: String { (["The server answered \(status): \(message)"] + details.map { "  \($0)" }).joined(separator: "\n") }
  }

  /// - Parameters:
  ///   - url: the server's address, such as `http://localhost:8080`.
  ///   - command: what the server's log shall name, such as `selftest`.
  init(client: HTTPClient, url: String, key: String, command: String) {
    self.client = client
    address = url.hasSuffix("/") ? String(url.dropLast()) : url
    self.key = key
    userAgent = "emban-\(command)"
  }

  /// The answer's body; null for one without.
  ///
  /// - Parameter revision: the draft's revision that a change was made from.
  /// - Throws: ``Refused`` for every status but 2xx.
  @discardableResult
  func ask(_ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, revision: JSONValue? = nil) async throws -> JSONValue {
    var request = HTTPClientRequest(url: address + path)
    request.method = method
    request.headers = ["Authorization": "Bearer \(key)", "User-Agent": userAgent]
    if let number = revision?.numberValue { request.headers.add(name: "If-Match", value: "\"\(Int(number))\"") }
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(ByteBuffer(string: body.serialized()))
    }
    let response = try await client.execute(request, timeout: .seconds(120))
    let bytes = try await response.body.collect(upTo: 1 << 24)
    let json = (try? JSONParser.parse(Array(bytes.readableBytesView))) ?? .null
    guard (200..<300).contains(response.status.code) else {
      let details = (json["details"]?.arrayValue ?? []).map { detail in
        "\(detail["field"]?.stringValue ?? "?"): \(detail["expected"]?.stringValue ?? detail["code"]?.stringValue ?? "")"
      }
      throw Refused(
        status: Int(response.status.code), message: json["message"]?.stringValue ?? "no explanation", details: details)
    }
    return json
  }
}
