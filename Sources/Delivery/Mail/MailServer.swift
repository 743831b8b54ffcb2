import Foundation

/// Where mails are handed over, as `EMBAN_SMTP_URL` says it.
///
/// - `smtp://user:password@mail.example.com` asks for STARTTLS (port 587) and sends nothing without it;
/// - `smtps://…` speaks TLS from the beginning (465);
/// - `smtp+plain://localhost` speaks no TLS (25): for a relay on the same machine, which alone it tells a password.
///
/// `?ca=/path/ca.pem` trusts these certificates beside those of the system. User and password are percent-encoded where they must be.
public struct MailServer: Sendable, Hashable, CustomStringConvertible {
  public enum Security: String, Sendable, Hashable {
    case startTLS, tls, plain
  }

  public struct Credentials: Sendable, Hashable {
    public let user: String
    public let password: String
  }

  /// Why an address cannot be used; the description is the end of a sentence, and holds no secret.
  public struct Invalid: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  public let host: String
  public let port: Int
  public let security: Security
  public let credentials: Credentials?
  /// A file of further certificates to trust.
  public let certificates: String?

  public init(parsing text: String) throws(Invalid) {
    let forms = "must be an address such as smtp://user:password@mail.example.com:587"
    guard let url = URLComponents(string: text), let host = url.host, !host.isEmpty else { throw Invalid(description: forms) }
    let defaultPort: Int
    switch url.scheme?.lowercased() {
    case "smtp": (security, defaultPort) = (.startTLS, 587)
    case "smtps": (security, defaultPort) = (.tls, 465)
    case "smtp+plain": (security, defaultPort) = (.plain, 25)
    default: throw Invalid(description: "must begin with smtp://, smtps:// or smtp+plain://")
    }
    guard url.path.isEmpty || url.path == "/", url.fragment == nil else { throw Invalid(description: forms) }
    self.host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    port = url.port ?? defaultPort
    guard 1...65_535 ~= port else { throw Invalid(description: "must have a port between 1 and 65535") }
    switch (url.user, url.password) {
    case (nil, nil): credentials = nil
    case (let user?, let password?) where !user.isEmpty: credentials = Credentials(user: user, password: password)
    default: throw Invalid(description: "must name both a user and a password, or neither")
    }
    if credentials != nil, security == .plain, !Self.isThisMachine(self.host) {
      throw Invalid(description: "cannot send a password to \(self.host) without TLS: use smtp:// or smtps://")
    }
    var certificates: String?
    for item in url.queryItems ?? [] {
      guard item.name == "ca", let value = item.value, !value.isEmpty else {
        throw Invalid(description: "knows no parameter but ca, a file of certificates to trust")
      }
      certificates = value
    }
    if certificates != nil, security == .plain { throw Invalid(description: "cannot have ca without TLS") }
    self.certificates = certificates
  }

  public var description: String { "\(host):\(port)" }

  private static func isThisMachine(_ host: String) -> Bool {
    host.lowercased() == "localhost" || host == "::1" || (host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." })
  }
}
