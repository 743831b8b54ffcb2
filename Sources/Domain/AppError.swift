/// What is wrong with one field of a request: `field` is its path (`events[3].timestamp`), `code` a stable snake_case reason,
/// `expected` a sentence for a person.
public struct FieldProblem: Sendable, Hashable {
  public let field: String
  public let code: String
  public let expected: String

  public init(field: String, code: String, expected: String) {
    self.field = field
    self.code = code
    self.expected = expected
  }

  public var json: JSONValue {
    ["field": .string(field), "code": .string(code), "expected": .string(expected)]
  }
}

/// The one error that the outside sees. `status`, `code` and `message` are its face and must not name SQL, tables, paths or
/// secrets; `cause` is for our log only.
public struct AppError: Error, Sendable {
  public var status: Int
  public var code: String
  public var message: String
  public var details: [FieldProblem]
  /// Seconds after which a repetition makes sense; becomes `Retry-After`.
  public var retryAfter: Int?
  /// Further members of the error body (`plan`, `limit`, `errors` …).
  public var extra: [String: JSONValue]
  /// What really happened, for the log.
  public var cause: String?
  /// Whether what is wrong lies in what a viewer set or may do, rather than in one widget: the view as a whole is refused.
  public private(set) var concernsView = false

  public init(
    status: Int, code: String, message: String, details: [FieldProblem] = [], retryAfter: Int? = nil,
    extra: [String: JSONValue] = [:], cause: String? = nil
  ) {
    self.status = status
    self.code = code
    self.message = message
    self.details = details
    self.retryAfter = retryAfter
    self.extra = extra
    self.cause = cause
  }

  /// The same error as one about the whole view.
  public var concerningView: AppError {
    var error = self
    error.concernsView = true
    return error
  }

  public static func malformed(_ code: String, _ message: String) -> AppError {
    AppError(status: 400, code: code, message: message)
  }

  public static func malformedJSON(_ error: JSONSyntaxError) -> AppError {
    AppError(
      status: 400, code: "malformed_json", message: "The body is not valid JSON: \(error.reason) (byte \(error.offset)).")
  }

  public static func unauthorized(_ code: String = "unauthorized", _ message: String) -> AppError {
    AppError(status: 401, code: code, message: message)
  }

  public static func forbidden(_ code: String, _ message: String) -> AppError {
    AppError(status: 403, code: code, message: message)
  }

  public static func notFound(_ message: String, code: String = "not_found") -> AppError {
    AppError(status: 404, code: code, message: message)
  }

  public static func conflict(_ code: String, _ message: String, details: [FieldProblem] = []) -> AppError {
    AppError(status: 409, code: code, message: message, details: details)
  }

  public static func payloadTooLarge(limit: Int) -> AppError {
    AppError(
      status: 413, code: "payload_too_large", message: "The body is larger than the \(limit) bytes that this route takes.")
  }

  /// 422 for a request that is well formed but not valid; the first problem is told in the sentence, all in `details`.
  public static func invalid(_ problems: [FieldProblem], code: String = "invalid_request") -> AppError {
    let message =
      problems.first.map { first in
        let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
        return "\(first.field.isEmpty ? "The body" : first.field): \(first.expected)\(more)"
      } ?? "The request is not valid."
    return AppError(status: 422, code: code, message: message, details: problems)
  }

  public static func invalid(_ field: String, _ code: String, _ expected: String) -> AppError {
    .invalid([FieldProblem(field: field, code: code, expected: expected)])
  }

  public static func tooManyRequests(_ message: String, retryAfter: Int) -> AppError {
    AppError(status: 429, code: "rate_limited", message: message, retryAfter: retryAfter)
  }

  public static func unavailable(_ code: String, _ message: String, retryAfter: Int = 1, cause: String? = nil) -> AppError {
    AppError(status: 503, code: code, message: message, retryAfter: retryAfter, cause: cause)
  }

  public static func `internal`(cause: String) -> AppError {
    AppError(status: 500, code: "internal_error", message: "Something went wrong on our side.", cause: cause)
  }
}
