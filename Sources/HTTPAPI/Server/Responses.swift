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
}
