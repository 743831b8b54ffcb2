internal import Domain

/// A value bound to a statement: its ClickHouse type, and its text as the HTTP interface of ClickHouse reads it. Equal are values of the same
/// bytes only: to the store two spellings of a letter are two texts.
public struct SQLValue: Sendable, Hashable {
  /// The ClickHouse type, as it stands in the marker.
  public let type: String
  /// The escaped text (the "Escaped" rules of TabSeparated; inside arrays the "Quoted" rules).
  public let literal: String

  public static func == (left: SQLValue, right: SQLValue) -> Bool {
    left.type == right.type && left.literal.isExactly(right.literal)
  }

  public func hash(into hasher: inout Hasher) { literal.hashExactly(into: &hasher) }

  init(type: String, literal: String) {
    self.type = type
    self.literal = literal
  }

  /// A `String`.
  public init(_ value: String) {
    self.init(type: "String", literal: Self.escaped(value))
  }

  /// An `Int64`.
  public init(_ value: Int) {
    self.init(type: "Int64", literal: String(value))
  }

  /// A `Float64`. Infinities and NaN pass as such.
  public init(_ value: Double) {
    let literal =
      if value.isNaN { "nan" } else if value.isInfinite { value < 0 ? "-inf" : "inf" } else { "\(value)" }
    self.init(type: "Float64", literal: literal)
  }

  /// An `Array(String)`.
  public init(_ values: [String]) {
    let items = values.map { "'" + Self.escaped($0) + "'" }
    self.init(type: "Array(String)", literal: "[" + items.joined(separator: ",") + "]")
  }

  /// ClickHouse refuses a parameter longer than 128 KiB (`http_max_field_value_size`).
  static let longestLiteral = 100_000

  /// Escapes for both places a string can stand in: alone (a raw tab or newline would end it, a backslash starts an escape)
  /// and between single quotes in an array.
  static func escaped(_ value: String) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(value.utf8.count + 8)
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "\\")]
      case UInt8(ascii: "'"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "'")]
      case UInt8(ascii: "\t"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
      case UInt8(ascii: "\n"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
      case UInt8(ascii: "\r"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
      case 0: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "0")]
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
