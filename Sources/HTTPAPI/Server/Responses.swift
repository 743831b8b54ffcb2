import Domain
import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
  /// A JSON answer.
  static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
    var headers = headers
    headers[.contentType] = "application/json"
    return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: value.serializedBytes())))
  }

  /// A JSON answer that is written already.
  static func json(bytes: [UInt8]) -> Response {
    Response(status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  static func noContent() -> Response { Response(status: .noContent) }

  /// One page of a list: `{"data": […], "next_cursor": …}`.
  static func page(_ values: [JSONValue], nextCursor: String?) -> Response {
    .json(["data": .array(values), "next_cursor": .optional(nextCursor)])
  }
}

extension AppError {
  /// The one error body of the API.
  func body(requestID: String) -> JSONValue {
    var members: [String: JSONValue] = extra
    members["error"] = .string(message)
    members["message"] = .string(message)
    members["code"] = .string(code)
    members["request_id"] = .string(requestID)
    members["details"] = .array(details.map(\.json))
    return .object(members)
  }

  func response(requestID: String) -> Response {
    var headers: HTTPFields = [:]
    if let retryAfter { headers[.retryAfter] = String(retryAfter) }
    if status == 401 { headers[.wwwAuthenticate] = "Bearer" }
    return .json(body(requestID: requestID), status: .init(code: status), headers: headers)
  }

  /// The error as the guest-token API (`/api/v2`) tells it: `{"error": {"message", "code"}}`, with that API's codes.
  var guestResponse: Response {
    let code =
      switch (status, self.code) {
      case (401, _), (403, _): "INVALID_DATA_APP_API_KEY"
      case (_, "data_app_not_found"): "DATA_APP_NOT_FOUND"
      case (_, "client_id_error"): "CLIENT_ID_ERROR"
      case (400, _), (413, _), (415, _), (422, _): "INVALID_REQUEST_BODY"
      default: self.code.uppercased()
      }
    var headers: HTTPFields = [:]
    if let retryAfter { headers[.retryAfter] = String(retryAfter) }
    if status == 401 { headers[.wwwAuthenticate] = "Bearer" }
    let problems = details.map { "\($0.field) \($0.expected)" }.joined(separator: "; ")
    let message = problems.isEmpty ? self.message : "\(self.message) (\(problems))"
    return .json(["error": ["message": .string(message), "code": .string(code)]], status: .init(code: status), headers: headers)
  }
}
