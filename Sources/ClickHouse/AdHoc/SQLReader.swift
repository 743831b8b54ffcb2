import Crypto

/// The database user as whom the SQL of one organisation's people runs, in one of its environments (docs/adr/0013-ad-hoc-sql.md).
///
/// It may read one view, `events` in a database of its own, and nothing else. The view reads the events as a second user, who cannot sign
/// in, and under whose row policy stand the organisation and the environment as literals: no text of a statement reaches either.
public struct SQLReader: Sendable, Hashable {
  public let organization: String
  public let environment: String
  /// The user, and the database that holds its view: `emban_sql_` and 24 hexadecimal digits. Nobody without the key can name another's: the
  /// database would tell by its errors whether a table or column of that name is there.
  public let name: String
  let password: String

  /// Whose rights the view has.
  var owner: String { name + "_view" }

  /// - Parameter key: derived from the secret key, so that every program has the same names and passwords, and a new key ends the old ones.
  /// - Returns: nil for a name that could not stand in a policy as it is: organisations and environments are letters, digits, `_` and `-`.
  public init?(organization: String, environment: String, key: String) {
    guard !key.isEmpty, Self.isPlain(organization), Self.isPlain(environment) else { return nil }
    self.organization = organization
    self.environment = environment
    name = Self.prefix + Self.code("name\0\(organization)\0\(environment)", key).prefix(24)
    password = Self.code(name, key)
  }

  /// How every reader's name begins.
  public static let prefix = "emban_sql_"

  private static func isPlain(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 100
      && text.utf8.allSatisfy {
        switch $0 {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
          UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  /// HMAC-SHA256, in hexadecimal.
  private static func code(_ text: String, _ key: String) -> String {
    HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: Array(key.utf8)))
      .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

extension SQLReader: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { name }
  public var debugDescription: String { name }
  public var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}
