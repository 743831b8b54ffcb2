/// Where the ClickHouse HTTP interface is, and the administrator who may create tables and users there.
public struct ClickHouseEndpoint: Sendable, Hashable {
  /// `http://127.0.0.1:8123`, without credentials and without a trailing slash.
  public let url: String
  public let user: String
  let password: String

  public init(url: String, user: String, password: String) {
    self.url = url
    self.user = user
    self.password = password
  }

  /// Reads `http://user:password@host:8123`; a missing user is `default`, a missing password empty, a missing port the default
  /// of the scheme in ClickHouse (8123, 8443). Credentials may be percent-encoded.
  ///
  /// - Throws: ``ClickHouseConfigurationError`` with a sentence that does not repeat the credentials.
  public init(parsing text: String, user: String? = nil, password: String? = nil) throws {
    let wrong = ClickHouseConfigurationError(
      reason: "EMBAN_CLICKHOUSE_URL must look like http://user:password@host:8123 or https://…")
    guard let schemeEnd = text.firstRange(of: "://") else { throw wrong }
    let scheme = text[..<schemeEnd.lowerBound].lowercased()
    guard scheme == "http" || scheme == "https" else { throw wrong }
    var rest = text[schemeEnd.upperBound...]
    while rest.hasSuffix("/") { rest.removeLast() }
    var credentials: [String] = []
    if let at = rest.lastIndex(of: "@") {
      for part in rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false) {
        guard let decoded = PercentEncoding.decode(String(part)) else { throw wrong }
        credentials.append(decoded)
      }
      rest = rest[rest.index(after: at)...]
    }
    guard !rest.isEmpty, rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !rest.contains(where: { "?#@/".contains($0) })
    else { throw wrong }
    var host = String(rest)
    let afterBracket = host.lastIndex(of: "]").map { host[$0...] } ?? host[...]
    if let colon = afterBracket.lastIndex(of: ":") {
      guard let port = Int(host[host.index(after: colon)...]), 1...65_535 ~= port else { throw wrong }
    } else {
      host += scheme == "https" ? ":8443" : ":8123"
    }
    self.init(
      url: "\(scheme)://\(host)",
      user: user ?? credentials.first.flatMap { $0.isEmpty ? nil : $0 } ?? "default",
      password: password ?? (credentials.count > 1 ? credentials[1] : ""))
  }
}

extension ClickHouseEndpoint: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// The address only: an endpoint may be logged.
  public var description: String { url }
  public var debugDescription: String { url }
  public var customMirror: Mirror { Mirror(self, children: ["url": url]) }
}

/// A setting of the operator that cannot work, told in a sentence for the operator.
public struct ClickHouseConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
  public let reason: String
  public var description: String { reason }

  public init(reason: String) { self.reason = reason }
}

/// The passwords of the read-only users. They are derived from the secret key by the caller, so that every replica knows
/// the same, and stated anew at each start.
public struct ReaderPasswords: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
  let viewer: String
  let analyst: String
  let exporter: String

  public init(viewer: String, analyst: String, exporter: String) {
    self.viewer = viewer
    self.analyst = analyst
    self.exporter = exporter
  }

  public var description: String { "ReaderPasswords" }
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Whose rows a reader may see. Row policies of the database compare these with every row: an empty value matches none.
public struct ScopeSettings: Sendable, Hashable {
  public let organization: String
  public let environment: String
  /// nil for a reader of the whole environment; a viewer without a tenant sees nothing.
  public let tenant: String?

  public init(organization: String, environment: String, tenant: String?) {
    self.organization = organization
    self.environment = environment
    self.tenant = tenant
  }
}

/// As whom a statement runs.
public enum DatabaseRole: Sendable, Hashable {
  /// The owner of the schema: migrations, ingestion, erasure.
  case admin
  /// A customer's customer: read-only, the rows of one tenant.
  case viewer(ScopeSettings)
  /// The SaaS team: read-only, the rows of one organisation and environment.
  case analyst(ScopeSettings)
  /// Whoever takes a tenant's events away as a file: read-only, the events of one tenant, in answers of any length.
  case exporter(ScopeSettings)
  /// Whoever writes SQL: read-only, the view of one organisation and environment.
  case sql(SQLReader)
}
