import Domain
import NIOHTTP1

/// Makes the dashboards of a running server what files say.
struct RemoteDashboards {
  let server: RemoteAPI

  /// What an answer has beside the configuration.
  private static let kept: Set = [
    "id", "slug", "status", "revision", "published_version", "last_version", "created_at", "created_by", "updated_at", "updated_by",
  ]

  /// - Returns: what was done, in words.
  /// - Throws: ``RemoteAPI/Refused``, with 409 when somebody else saved between our look and our change.
  func apply(_ file: DashboardFile, publishing: Bool) async throws -> String {
    let before = try await draft(file.slug)
    let after: JSONValue
    if let before, Self.config(of: before) == Self.config(of: .object(file.config)) {
      after = before
    } else if let before {
      after = try await server.ask(.PUT, "/v1/dashboards/\(file.slug)", .object(file.config), revision: before["revision"])
    } else {
      after = try await server.ask(.POST, "/v1/dashboards", .object(file.config))
    }
    let what =
      switch before {
      case nil: "created"
      case let before? where Self.config(of: before) == Self.config(of: after): "unchanged"
      default: "updated"
      }
    guard publishing else { return what }
    if let version = after["published_version"]?.numberValue, after["status"] == "published" {
      let live = try await server.ask(.GET, "/v1/dashboards/\(file.slug)/versions/\(Int(version))")
      if Self.config(of: live["config"] ?? .null) == Self.config(of: after) { return "\(what), live as version \(Int(version))" }
    }
    try await server.ask(.POST, "/v1/dashboards/\(file.slug)/publish", revision: after["revision"])
    let version = try await draft(file.slug)?["published_version"]?.numberValue
    return "\(what), published\(version.map { " as version \(Int($0))" } ?? "")"
  }

  private func draft(_ slug: String) async throws -> JSONValue? {
    do {
      return try await server.ask(.GET, "/v1/dashboards/\(slug)")
    } catch let error as RemoteAPI.Refused where error.status == 404 {
      return nil
    }
  }

  private static func config(of dashboard: JSONValue) -> [String: JSONValue] {
    guard case .object(let members) = dashboard else { return [:] }
    return members.filter { !kept.contains($0.key) }
  }
}
