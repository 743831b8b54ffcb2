import Synchronization

/// A customer's user. Real products have a database for this.
struct User: Sendable {
  let email: String
  let password: String
  let name: String
  /// Which of your customers the user belongs to: what Emban calls the tenant.
  let company: String
}

/// Who is signed in, by the random value of the session cookie.
final class SignedIn: Sendable {
  private static let users = [
    User(email: "ada@acme.example", password: "acme-demo", name: "Ada", company: "acme"),
    User(email: "grace@globex.example", password: "globex-demo", name: "Grace", company: "globex"),
  ]

  private let sessions = Mutex<[String: User]>([:])

  /// - Returns: The value of the cookie; nil when address or password is wrong.
  func signIn(email: String, password: String) -> String? {
    guard let user = Self.users.first(where: { $0.email == email && $0.password == password }) else { return nil }
    var random = SystemRandomNumberGenerator()
    let session = (0..<4).map { _ in String(random.next(), radix: 36) }.joined()
    sessions.withLock { $0[session] = user }
    return session
  }

  func signOut(_ session: String) { sessions.withLock { $0[session] = nil } }

  func user(of session: String?) -> User? { session.flatMap { session in sessions.withLock { $0[session] } } }
}
