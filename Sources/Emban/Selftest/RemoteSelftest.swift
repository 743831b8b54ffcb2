import AsyncHTTPClient
import Domain
import NIOCore
import NIOHTTP1

/// Has a running server check its dashboards: `POST /v1/dashboards/:id/selftest`.
struct RemoteSelftest {
  private let client: HTTPClient
  private let address: String
  private let key: String

  struct Refused: Error, CustomStringConvertible {
    let status: Int
    let message: String
    var description: String { "The server answered \(status): \(message)" }
  }

  /// - Parameter url: the server's address, such as `http://localhost:8080`.
  init(client: HTTPClient, url: String, key: String) {
    self.client = client
    address = url.hasSuffix("/") ? String(url.dropLast()) : url
    self.key = key
  }

  /// - Parameter reference: an id or slug; nil for every dashboard that is published.
  func outcomes(of reference: String?) async throws -> [IsolationOutcome] {
    let dashboards = try await published().filter { dashboard in
      reference == nil || [dashboard["id"], dashboard["slug"]].contains(.optional(reference))
    }
    var outcomes: [IsolationOutcome] = []
    for dashboard in dashboards {
      let id = dashboard["id"]?.stringValue ?? ""
      let report = try await ask(.POST, "/v1/dashboards/\(id)/selftest")
      outcomes.append(IsolationOutcome(name: dashboard["name"]?.stringValue ?? id, id: id, report: report))
    }
    return outcomes
  }

  private func published() async throws -> [JSONValue] {
    var dashboards: [JSONValue] = []
    var cursor: String?
    repeat {
      let page = try await ask(.GET, "/v1/dashboards?limit=\(Limits.maximumPageSize)" + (cursor.map { "&cursor=\($0)" } ?? ""))
      dashboards += (page["data"]?.arrayValue ?? []).filter { $0["status"] == "published" }
      cursor = page["next_cursor"]?.stringValue
    } while cursor != nil
    return dashboards
  }

  private func ask(_ method: HTTPMethod, _ path: String) async throws -> JSONValue {
    var request = HTTPClientRequest(url: address + path)
    request.method = method
    request.headers = ["Authorization": "Bearer \(key)", "User-Agent": "emban-selftest"]
    let response = try await client.execute(request, timeout: .seconds(120))
    let bytes = try await response.body.collect(upTo: 1 << 24)
    let json = (try? JSONParser.parse(Array(bytes.readableBytesView))) ?? .null
    guard response.status == .ok else {
      throw Refused(status: Int(response.status.code), message: json["message"]?.stringValue ?? "no explanation")
    }
    return json
  }
}
