import ClickHouse
import Domain
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Turns whatever a handler throws into the one error body. What is not an ``AppError`` is told to the log only.
struct ErrorMiddleware: RouterMiddleware {
  typealias Context = APIContext

  func handle(
    _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      let error = Self.appError(error)
      if let cause = error.cause {
        // What a stranger can cause at will must not look like a fault of ours.
        context.logger.log(
          level: error.status >= 500 ? .error : .info, "request failed", metadata: ["code": .string(error.code), "cause": .string(cause)])
      }
      // The guest-token API has an error body of its own.
      if request.uri.path.hasPrefix("/api/v2/") { return error.guestResponse }
      return error.response(requestID: context.requestID)
    }
  }

  /// The outside's view of any error.
  static func appError(_ error: any Error) -> AppError {
    switch error {
    case let error as AppError: return error
    case let error as ClickHouseError: return error.appError
    case let error as HTTPError:
      switch error.status {
      case .notFound: return .notFound("There is nothing at this address.")
      case .contentTooLarge: return .payloadTooLarge(limit: Limits.bodyBytes)
      default:
        return AppError(
          status: error.status.code, code: "http_error", message: error.body ?? error.status.reasonPhrase,
          cause: error.status.code >= 500 ? "\(error)" : nil)
      }
    case is CancellationError: return .unavailable("canceled", "The request was given up before it was answered.")
    default: return .internal(cause: "\(type(of: error)): \(error)")
    }
  }
}
