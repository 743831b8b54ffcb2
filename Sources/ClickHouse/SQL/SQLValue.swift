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
    self.init(count: values.count) { index, append in
      var value = values[index]
      value.withUTF8(append)
    }
  }

  /// An `Array(String)` of texts that are at hand as their UTF-8 bytes.
  public init(utf8 values: [ArraySlice<UInt8>]) {
    self.init(count: values.count) { index, append in values[index].withUnsafeBufferPointer(append) }
  }

  /// How many bytes a text takes in the literal of an array, at most.
  public static func itemLength(_ text: ArraySlice<UInt8>) -> Int { text.reduce(3) { $0 + (escape($1) == nil ? 1 : 2) } }

  private init(count: Int, _ visit: (Int, (UnsafeBufferPointer<UInt8>) -> Void) -> Void) {
    var literal: [UInt8] = [UInt8(ascii: "[")]
    literal.reserveCapacity(count * 24)
    for index in 0..<count {
      if index > 0 { literal.append(UInt8(ascii: ",")) }
      literal.append(UInt8(ascii: "'"))
      visit(index) { Self.append($0, to: &literal) }
      literal.append(UInt8(ascii: "'"))
    }
    literal.append(UInt8(ascii: "]"))
    self.init(type: "Array(String)", literal: String(decoding: literal, as: UTF8.self))
  }

  /// ClickHouse refuses a parameter longer than 128 KiB (`http_max_field_value_size`).
  static let longestLiteral = 100_000

  /// Escapes for both places a string can stand in: alone (a raw tab or newline would end it, a backslash starts an escape)
  /// and between single quotes in an array.
  static func escaped(_ value: String) -> String {
    var value = value
    var bytes: [UInt8] = []
    value.withUTF8 { append($0, to: &bytes) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func append(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
    var plain = 0
    for (place, byte) in text.enumerated() {
      guard let letter = escape(byte) else { continue }
      bytes.append(contentsOf: text[plain..<place])
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(letter)
      plain = place + 1
    }
    bytes.append(contentsOf: text[plain...])
  }

  /// What stands behind a backslash in the place of a byte; nil for what stands for itself.
  private static func escape(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "\\"), UInt8(ascii: "'"): byte
    case UInt8(ascii: "\t"): UInt8(ascii: "t")
    case UInt8(ascii: "\n"): UInt8(ascii: "n")
    case UInt8(ascii: "\r"): UInt8(ascii: "r")
    case 0: UInt8(ascii: "0")
    default: nil
    }
  }
}
