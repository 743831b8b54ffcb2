import Access
import Domain
import HTTPTypes

/// The description of the API (OpenAPI 3.1) as this server tells it. What routes mean is written by hand, in `web/apps/reference/openapi`;
/// which there are, who may call them and where, is filled in from the routes themselves, so that it cannot be wrong.
struct APIDescription: Sendable {
  let json: JSONValue

  /// - Parameters:
  ///   - written: the description as it was written.
  ///   - endpoints: all that is served. What is described and not served is left out; what is served and not described is named without
  ///     words, and a test fails.
  ///   - publicURL: where people reach this server.
  init(_ written: JSONValue, endpoints: [Endpoint], publicURL: String) {
    let texts = written["paths"]?.objectValue ?? [:]
    var paths: [String: [String: JSONValue]] = [:]
    for endpoint in endpoints {
      let path = Self.template(endpoint.path)
      let method = endpoint.method.rawValue.lowercased()
      var operation = texts[path]?[method]?.objectValue ?? ["responses": [:]]
      operation["security"] = Self.security(endpoint.access)
      operation["x-emban-access"] = .string(endpoint.access.rawValue)
      var responses = operation["responses"]?.objectValue ?? [:]
      let error = endpoint.path.hasPrefix("/api/v2/") ? "GuestError" : "Error"
      responses["default"] = ["$ref": .string("#/components/responses/\(error)")]
      operation["responses"] = .object(responses)
      if paths[path] == nil { paths[path] = (texts[path]?.objectValue ?? [:]).filter { $0.key == "parameters" } }
      paths[path]?[method] = .object(operation)
    }
    var members = written.objectValue ?? [:]
    members["paths"] = .object(paths.mapValues(JSONValue.object))
    members["servers"] = [["url": .string(publicURL)]]
    json = .object(members)
  }

  /// `/v1/dashboards/:id` → `/v1/dashboards/{id}`.
  private static func template(_ path: String) -> String {
    path.split(separator: "/", omittingEmptySubsequences: false)
      .map { $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0) }.joined(separator: "/")
  }

  /// Any one of the credentials in the list opens the route.
  private static func security(_ access: AccessRule) -> JSONValue {
    switch access {
    case .public: []
    case .session: [["session": []]]
    case .read, .edit, .admin: [["apiKey": []], ["session": []]]
    case .team, .owner: [["session": []]]
    case .ingest: [["apiKey": []]]
    case .embed: [["embedToken": []]]
    }
  }
}
