import Access
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// A request that has passed its access rule.
public struct APIRequest: Sendable {
  let request: Request
  let context: APIContext
  /// Nil on public routes only.
  let principal: Principal?
  let bodyLimit: Int
  /// The address of who asks, where a proxy that is trusted tells another than the connection's.
  var forwardedAddress: String?
  /// Asks once more whether this may be done; nil where that was not asked at all.
  var confirmAccess: (@Sendable () async throws -> Void)?

  /// The address of who asks, as far as it is known.
  var address: String { forwardedAddress ?? context.remoteAddress }

  /// A path parameter, percent-decoded.
  func parameter(_ name: String) throws -> String {
    guard let raw = context.parameters.get(name) else { throw AppError.internal(cause: "no path parameter \(name)") }
    guard let value = raw.removingPercentEncoding, !value.isEmpty, value.utf8.count <= 300, !value.contains("\0") else {
      throw AppError.notFound("There is nothing at this address.")
    }
    return value
  }

  /// All `Cookie` headers as one.
  var cookie: String? {
    let values = request.headers[values: .cookie]
    return values.isEmpty ? nil : values.joined(separator: "; ")
  }

  func header(_ name: HTTPField.Name) -> String? { request.headers[name] }

  /// The whole body. It may have taken its time, so the access rule is asked again when it is there: who was removed, demoted or lost a key meanwhile
  /// does not finish with it.
  /// - Throws: ``AppError`` 413 beyond the route's limit, 400 when it does not arrive whole; 401, 403.
  func bodyBytes() async throws -> ByteBuffer {
    let body = try await arrivingBody()
    try await confirmAccess?()
    return body
  }

  private func arrivingBody() async throws -> ByteBuffer {
    if let length = header(.contentLength).flatMap(Int.init), length > bodyLimit {
      throw AppError.payloadTooLarge(limit: bodyLimit)
    }
    do {
      return try await request.body.collect(upTo: bodyLimit)
    } catch is NIOTooManyBytesError {
      throw AppError.payloadTooLarge(limit: bodyLimit)
    } catch let error as CancellationError {
      throw error
    } catch let failure {
      // A connection that broke off or chunks that are none: nothing went wrong on our side.
      var error = AppError.malformed("incomplete_body", "The body did not arrive as it was announced.")
      error.cause = "\(failure)"
      throw error
    }
  }

  /// The body as JSON.
  /// - Throws: ``AppError`` 415 for another content type, 400 for text that is not JSON, 413 beyond the limit.
  func json() async throws -> JSONValue {
    if let type = header(.contentType), !Self.isJSON(type) {
      throw AppError(
        status: 415, code: "unsupported_media_type", message: "The body must be sent as application/json, not \(type.prefix(100)).")
    }
    let buffer = try await bodyBytes()
    guard buffer.readableBytes > 0 else {
      throw AppError.malformed("malformed_json", "The body is empty; a JSON object is expected.")
    }
    do {
      return try buffer.withUnsafeReadableBytes { try JSONParser.parse($0) }
    } catch let error as JSONSyntaxError {
      throw AppError.malformedJSON(error)
    }
  }

  private static func isJSON(_ contentType: String) -> Bool {
    let type = contentType.prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace }
    // The form type is what curl says of `-d` unless told otherwise; the body itself tells whether it is JSON.
    return type == "application/json" || type == "application/x-www-form-urlencoded"
      || (type.hasPrefix("application/") && type.hasSuffix("+json"))
  }

  /// The body as JSON, or an empty object when there is none.
  func optionalJSON() async throws -> JSONValue {
    if header(.contentLength) == "0" || (header(.contentLength) == nil && header(.transferEncoding) == nil) { return .object([:]) }
    return try await json()
  }

  /// Query parameters as strings.
  /// - Throws: ``AppError`` 422 for one that appears twice or is not percent-encoded UTF-8.
  func query() throws -> [String: String] {
    var parameters: [String: String] = [:]
    let problems = Problems()
    for pair in (request.uri.query ?? "").split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(Self.formDecoded)
      guard let name = parts[0], let value = parts.count == 2 ? parts[1] : "" else {
        problems.add(String(pair.prefix { $0 != "=" }.prefix(100)), "percent_encoding", "must be percent-encoded UTF-8")
        continue
      }
      if parameters.updateValue(value, forKey: name) != nil {
        problems.add(String(name.prefix(100)), "duplicate", "must be given once")
      }
    }
    try problems.throwIfAny()
    return parameters
  }

  /// Browsers and client libraries write a space as `+` (https://url.spec.whatwg.org/#urlencoded-parsing).
  private static func formDecoded(_ text: Substring) -> String? {
    text.replacing("+", with: " ").removingPercentEncoding
  }

  /// Reads query parameters strictly: unknown ones are refused as unknown fields are.
  func readQuery<T>(_ read: (inout ObjectReader) -> T) throws -> T {
    let problems = Problems()
    var reader = ObjectReader(.object(try query().mapValues(JSONValue.string)), problems: problems)
    let value = read(&reader)
    reader.finish()
    try problems.throwIfAny()
    return value
  }

  /// Reads the JSON body strictly.
  func readBody<T>(_ read: (inout ObjectReader) -> T) async throws -> T {
    try Self.read(try await json(), read)
  }

  static func read<T>(_ value: JSONValue, _ read: (inout ObjectReader) -> T) throws -> T {
    let problems = Problems()
    var reader = ObjectReader(value, problems: problems)
    let result = read(&reader)
    reader.finish()
    try problems.throwIfAny()
    return result
  }

  /// `?limit=&cursor=` of a list.
  func page() throws -> (limit: Int, cursor: String?) {
    try readQuery { $0.page() }
  }
}

extension ObjectReader {
  /// A whole number written as text, as query parameters are.
  mutating func textInt(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let text = string(key, length: 0...20) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      problem(key, "out_of_range", "must be a whole number between \(range.lowerBound) and \(range.upperBound)")
      return nil
    }
    return number
  }

  /// `limit` and `cursor` of a list.
  mutating func page() -> (limit: Int, cursor: String?) {
    (textInt("limit", in: 1...Limits.maximumPageSize) ?? Limits.pageSize, string("cursor", length: 1...300))
  }
}
