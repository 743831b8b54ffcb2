import Access
import Domain
import HTTPTypes
import Hummingbird

extension APIRequest {
  /// The person in the console whose request it is.
  /// - Throws: ``AppError`` 403 for a key, which no route for people alone lets through.
  func person() throws -> UserPrincipal {
    guard case .user(let person) = principal else {
      throw AppError.forbidden("insufficient_scope", "This route is for people who are signed in.")
    }
    return person
  }

  /// Who is at the other end, for sessions and the audit log.
  var visitor: Visitor { Visitor(address: address, userAgent: header(.userAgent)) }
}

/// The cookie of the console, as answers set and remove it.
struct SessionCookie: Sendable {
  /// Whether it is marked `Secure`.
  let isSecure: Bool

  func set(_ token: String) -> HTTPFields { [.setCookie: ConsoleSessions.cookie(token, secure: isSecure)] }

  var cleared: HTTPFields { [.setCookie: ConsoleSessions.clearingCookie(secure: isSecure)] }
}
