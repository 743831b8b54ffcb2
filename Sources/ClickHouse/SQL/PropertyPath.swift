import Domain

/// The path of one event property inside its JSON column: the single place where a name that came from outside becomes part
/// of SQL text.
///
/// A dot in the key is written `%2E`, as the store writes it under `json_type_escape_dots_in_keys`; backtick and backslash
/// are escaped. `docs/adr/0001-json-properties.md` has the measurements behind the expressions.
public struct PropertyPath: Sendable, Hashable {
  /// Which of the two JSON columns of `emban.events`.
  public enum Column: String, Sendable, Hashable {
    case stringProps = "string_props"
    case numericProps = "numeric_props"
  }

  public let column: Column
  /// The key as the customer wrote it.
  public let key: String

  public init(_ column: Column, key: String) {
    self.column = column
    self.key = key
  }

  /// A dimension.
  public static func string(_ key: String) -> PropertyPath { PropertyPath(.stringProps, key: key) }

  /// A measure.
  public static func numeric(_ key: String) -> PropertyPath { PropertyPath(.numericProps, key: key) }

  /// The subcolumn: `` `string_props`.`model` ``.
  var quoted: String {
    "`\(column.rawValue)`.`\(Self.quotedKey(key))`"
  }

  static func quotedKey(_ key: String) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(key.utf8.count + 4)
    for byte in key.utf8 {
      switch byte {
      case UInt8(ascii: "."): bytes += Array("%2E".utf8)
      case UInt8(ascii: "`"): bytes += Array("\\`".utf8)
      case UInt8(ascii: "\\"): bytes += Array("\\\\".utf8)
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Whether the store can keep a property of this name apart from all others: ``Domain/PropertyName/isStorable(_:)``.
  public static func isStorable(key: String) -> Bool { PropertyName.isStorable(key) }

  /// The key of a subcolumn as the customer wrote it: the reverse of how the store writes it (`a%2Eb` → `a.b`).
  public static func key(stored: String) -> String {
    stored.replacing("%2E", with: ".")
  }

  /// The measure as `Nullable(Float64)`: NULL where the event does not have it, right whether it arrived as an integer, a
  /// float or a mixture of both.
  public var numericExpression: SQL {
    SQL(trusted: "\(quoted)::Nullable(Float64)")
  }

  /// The dimension as `String`, `''` where the event does not have it; may stand in GROUP BY.
  public var stringExpression: SQL {
    SQL(trusted: "ifNull(\(quoted).:String, '')")
  }

  /// The dimension as `Nullable(String)`, NULL where the event does not have it. Quicker than ``stringExpression`` in
  /// conditions that a missing value does not fulfil anyway, such as equality with a text that is not empty.
  public var optionalStringExpression: SQL {
    SQL(trusted: "\(quoted).:String")
  }
}
