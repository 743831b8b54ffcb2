import Domain
import NIOHTTP1

/// Has a running server check its dashboards: `POST /v1/dashboards/:id/selftest`.
struct RemoteSelftest {
  let server: RemoteAPI

  /// - Parameter reference: an id or slug; nil for every dashboard that is published.
  func outcomes(of reference: String?) async throws -> [IsolationOutcome] {
    let dashboards = try await published().filter { dashboard in
      reference == nil || [dashboard["id"], dashboard["slug"]].contains(.optional(reference))
    }
    var outcomes: [IsolationOutcome] = []
    for dashboard in dashboards {
      let id = dashboard["id"]?.stringValue ?? ""
      let report = try await server.ask(.POST, "/v1/dashboards/\(id)/selftest")
      outcomes.append(IsolationOutcome(name: dashboard["name"]?.stringValue ?? id, id: id, report: report))
    }
    return outcomes
  }

  private func published() async throws -> [JSONValue] {
    var dashboards: [JSONValue] = []
    var cursor: String?
    repeat {
      let page = try await server.ask(.GET, "/v1/dashboards?limit=\(Limits.maximumPageSize)" + (cursor.map { "&cursor=\($0)" } ?? ""))
      dashboards += (page["data"]?.arrayValue ?? []).filter { $0["status"] == "published" }
      cursor = page["next_cursor"]?.stringValue
    } while cursor != nil
    return dashboards
  }
}
