public import Domain

/// Why a statement did not succeed. Descriptions may hold SQL and names of tables: they are for the log. What people may read is
/// ``appError``.
public enum ClickHouseError: Error, Sendable, Hashable {
  /// The server is not there, is starting, or went away before it answered.
  case unavailable(String)
  /// The server refused or gave up.
  case exception(ClickHouseException)
  /// The answer is not what the protocol promises.
  case protocolError(String)
}

/// An exception of the server.
public struct ClickHouseException: Error, Sendable, Hashable {
  /// What an exception means for whoever asked.
  public enum Kind: String, Sendable, Hashable {
    case timeout, memory, tooManyRows, accessDenied, syntax, overloaded, other
  }

  /// ClickHouse's error code; 159 also when the client's own deadline passed first.
  public let code: Int
  public let kind: Kind
  /// The server's text, with SQL and names in it: for the log only.
  public let message: String

  init(code: Int, message: String) {
    self.code = code
    self.message = message
    self.kind =
      switch code {
      case 159, 160, 209: .timeout
      case 241, 173: .memory
      case 158, 307, 396: .tooManyRows
      case 497, 164, 452, 516, 192, 194, 195, 291, 481: .accessDenied
      case 62, 46, 47, 60, 43, 53, 42, 36, 6, 27, 386, 456, 457: .syntax
      case 202, 252: .overloaded
      default: .other
      }
  }

  /// Reads the text that ClickHouse sends: `Code: 395. DB::Exception: … (NAME) (version …)`.
  init(text: String, code: Int? = nil) {
    var number = code
    if number == nil, let start = text.firstRange(of: "Code: ") {
      number = Int(text[start.upperBound...].prefix(while: \.isNumber))
    }
    self.init(code: number ?? 0, message: text.trimmed)
  }
}

extension ClickHouseError {
  /// What will not change by waiting, beside access and syntax: columns, types, functions and settings that this server has not
  /// (https://github.com/ClickHouse/ClickHouse/blob/25.8/src/Common/ErrorCodes.cpp): NOT_FOUND_COLUMN_IN_BLOCK, NO_SUCH_COLUMN_IN_TABLE, NOT_IMPLEMENTED,
  /// UNKNOWN_TYPE, UNKNOWN_STORAGE, UNKNOWN_SETTING, SUPPORT_IS_DISABLED, UNKNOWN_COMPRESSION_METHOD, SUSPICIOUS_TYPE_FOR_LOW_CARDINALITY.
  private static let lastingCodes: Set<Int> = [10, 16, 48, 50, 56, 89, 115, 344, 455]

  /// Whether the same statement may well succeed a little later: everything but a refusal that says why it always will be one. A proxy in between may
  /// answer anything while the server is away.
  public var mayPass: Bool {
    switch self {
    case .unavailable, .protocolError: true
    case .exception(let exception): !exception.isRefusal && exception.kind != .syntax && !Self.lastingCodes.contains(exception.code)
    }
  }
}

extension ClickHouseException {
  /// Whether the server does not let this user in, or not do what was asked.
  public var isRefusal: Bool { kind == .accessDenied }
}

extension ClickHouseError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unavailable(let reason): "ClickHouse is not available: \(reason)"
    case .exception(let exception): "ClickHouse exception \(exception.code): \(exception.message)"
    case .protocolError(let reason): "unexpected answer of ClickHouse: \(reason)"
    }
  }

  /// The error as the outside may see it; what happened is in `cause`.
  public var appError: AppError {
    switch self {
    case .unavailable:
      return .unavailable("event_store_unavailable", "The event store is not available at the moment.", cause: description)
    case .protocolError:
      return .internal(cause: description)
    case .exception(let exception):
      switch exception.kind {
      case .timeout:
        return .unavailable(
          "query_timeout", "The query took too long; a shorter period or fewer groups may help.", retryAfter: 5,
          cause: description)
      case .memory, .tooManyRows:
        return AppError(
          status: 422, code: "query_too_large",
          message: "The query needs more than its limits allow; a shorter period or fewer groups may help.",
          cause: description)
      case .overloaded:
        return .unavailable(
          "event_store_busy", "The event store has too much to do at the moment.", retryAfter: 2, cause: description)
      case .accessDenied, .syntax, .other:
        return .internal(cause: description)
      }
    }
  }
}

extension String {
  var trimmed: String {
    var slice = self[...]
    while let last = slice.last, last.isWhitespace { slice.removeLast() }
    while let first = slice.first, first.isWhitespace { slice.removeFirst() }
    return String(slice)
  }
}
