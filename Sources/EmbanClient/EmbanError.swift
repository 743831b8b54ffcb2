/// Why a request came to nothing. No case holds the API key or a token.
///
///     do {
///       try await emban.createEmbedSession(tenantID: tenant, dashboardID: "usage")
///     } catch let EmbanError.api(error) where error.code == "dashboard_not_published" {
///       …
///     }
public enum EmbanError: Error, Sendable, Hashable {
  /// The server answered with an error.
  case api(EmbanAPIError)
  /// No answer came, after all attempts; the text is for people. Of events it is not known whether they were stored: sending the same
  /// ``EmbanEvent`` values again is harmless.
  case unreachable(String)
  /// An answer that is none of Emban's, such as the page of a proxy.
  case unexpectedAnswer(status: Int, reason: String)
  /// An ``EventBatcher`` holds as many events as it may.
  case batcherFull(limit: Int)
  /// The ``EventBatcher`` was shut down.
  case batcherClosed
  /// An address or key that cannot be used, found before anything was sent.
  case invalidConfiguration(String)

  /// Whether the same request may succeed later: no connection, an overloaded server, a full batcher, a page in the server's place, which says
  /// nothing of the request unless it refuses it.
  public var isTransient: Bool {
    switch self {
    case .api(let error): error.status == 429 || error.status >= 500
    case .unreachable, .batcherFull: true
    case .unexpectedAnswer(let status, _): !(400..<500).contains(status) || [404, 408, 429].contains(status)
    case .batcherClosed, .invalidConfiguration: false
    }
  }

  /// Of the answer, where there was one.
  var status: Int? {
    switch self {
    case .api(let error): error.status
    case .unexpectedAnswer(let status, _): status
    case .unreachable, .batcherFull, .batcherClosed, .invalidConfiguration: nil
    }
  }
}

extension EmbanError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .api(let error): error.description
    case .unreachable(let reason): "The Emban server cannot be reached: \(reason)"
    case .unexpectedAnswer(let status, let reason): "The answer (\(status)) is not Emban's: \(reason)"
    case .batcherFull(let limit): "\(limit) events wait to be sent, which is the limit."
    case .batcherClosed: "The batcher was shut down and takes no more events."
    case .invalidConfiguration(let reason): reason
    }
  }
}

/// An error that the server answered with.
public struct EmbanAPIError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong with one field of a request.
  public struct Detail: Sendable, Hashable, Codable {
    /// The field's path: `widgets[2].query.metric`.
    public let field: String
    /// Stable, in snake case.
    public let code: String
    /// A sentence for people.
    public let expected: String
  }

  /// The status of HTTP.
  public let status: Int
  /// Stable, for programs: `dashboard_not_found`; in capitals where it comes from the guest-token API: `DATA_APP_NOT_FOUND`.
  public let code: String
  /// A sentence for people.
  public let message: String
  /// Under which the server's log has the cause.
  public let requestID: String?
  public let details: [Detail]
  /// Seconds after which a repetition makes sense.
  public let retryAfter: Int?

  public var description: String {
    "\(status) \(code): \(message)" + (requestID.map { " (\($0))" } ?? "")
  }
}

extension EmbanAPIError {
  /// Both forms of the server's errors: `{"error": "…", "code": "…"}` and, of `/api/v2`, `{"error": {"message": "…", "code": "…"}}`.
  init?(status: Int, retryAfter: Int?, body: EmbanJSON) {
    let guest = body["error"]?.objectValue != nil ? body["error"] : nil
    guard let code = (guest ?? body)["code"]?.stringValue, let message = (guest ?? body)["message"]?.stringValue else { return nil }
    self.status = status
    self.code = code
    self.message = message
    requestID = body["request_id"]?.stringValue
    details = (body["details"]?.arrayValue ?? []).map {
      Detail(
        field: $0["field"]?.stringValue ?? "", code: $0["code"]?.stringValue ?? "", expected: $0["expected"]?.stringValue ?? "")
    }
    self.retryAfter = retryAfter
  }
}
