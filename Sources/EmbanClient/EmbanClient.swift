public import AsyncHTTPClient

/// A connection of a back end to an Emban server: sends events, asks questions, makes embed sessions, looks after dashboards.
///
///     let emban = try EmbanClient(baseURL: "https://analytics.example.com", apiKey: key)
///     try await emban.ingest([EmbanEvent(tenantID: "acme", eventName: "api.call", stringProps: ["model": "gpt-4"])])
///     let session = try await emban.createEmbedSession(tenantID: "acme", dashboardID: "usage")
///     return session.token  // for <emban-dashboard token="…">
///
/// A value that can be copied and used from many tasks at once. What the server cannot take at the moment (429, 503) and what a broken
/// connection interrupted is repeated under the ``EmbanRetryPolicy``. The key is sent to the server and shown nowhere: not in
/// descriptions, not in errors, not by `dump`.
///
/// Topics: ``ingest(_:)``, ``EventBatcher``; ``query(_:tenantID:kind:timezone:environment:)``;
/// ``createEmbedSession(tenantID:dashboardID:expiresIn:permissions:context:timezone:locale:allowedOrigins:)``,
/// ``createGuestToken(clientID:dataAppName:permissions:expiryTime:params:)``; ``listDashboards(limit:cursor:)``;
/// ``refreshCache(tenantID:dashboardID:)``.
public struct EmbanClient: Sendable {
  let transport: Transport

  /// - Parameters:
  ///   - baseURL: the server's address, such as `https://analytics.example.com`; a path in front of the API may be part of it.
  ///   - apiKey: an admin key (`eb_adm_…`), or for events alone an ingest key (`eb_ing_…`). Keep it on the server.
  ///   - retry: how often and after which pauses a request is repeated.
  ///   - timeout: for one attempt, from its beginning to the last byte of the answer.
  ///   - httpClient: whoever made it shuts it down; the shared one needs none.
  /// - Throws: ``EmbanError/invalidConfiguration(_:)`` for an address that is not http or https, or a key that cannot stand in a header.
  public init(
    baseURL: String, apiKey: String, retry: EmbanRetryPolicy = EmbanRetryPolicy(), timeout: Duration = .seconds(30),
    httpClient: HTTPClient = .shared
  ) throws(EmbanError) {
    transport = try Transport(baseURL: baseURL, key: apiKey, retry: retry, timeout: timeout, http: httpClient)
  }

  /// The server's address, without a slash at the end.
  public var baseURL: String { transport.base }
}

extension EmbanClient: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "EmbanClient(\(baseURL))" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["baseURL": baseURL]) }
}

/// One page of a list.
public struct EmbanPage<Item: Sendable & Decodable>: Sendable, Decodable {
  public let items: [Item]
  /// To be passed on as `cursor`; nil on the last page.
  public let nextCursor: String?

  private enum CodingKeys: String, CodingKey {
    case items = "data"
    case nextCursor = "next_cursor"
  }
}
