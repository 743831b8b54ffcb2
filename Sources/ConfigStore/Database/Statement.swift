public import Domain

/// SQL text whose values are always bound: interpolation of a value makes a placeholder, interpolation of a `Statement` splices its
/// text and values, and nothing else can be interpolated, so that text from outside cannot become SQL.
///
/// ```swift
/// let statement: Statement = "SELECT \(Self.columns) FROM users WHERE email = \(email.value)"
/// statement.text(placeholder: "$")  // SELECT id, … FROM users WHERE email = $1
/// ```
public struct Statement: Sendable, Hashable {
  /// One more than there are values: the text between them.
  private var texts: [String]
  /// The values in the order of their placeholders.
  public private(set) var values: [SQLValue]

  /// The text with numbered placeholders: `placeholder` is `?` for SQLite and `$` for PostgreSQL.
  public func text(placeholder: Character) -> String {
    var text = texts[0]
    for index in 1..<max(texts.count, 1) {
      text.append(placeholder)
      text += String(index)
      text += texts[index]
    }
    return text
  }

  private mutating func append(literal: String) { texts[texts.count - 1] += literal }

  private mutating func append(value: SQLValue) {
    values.append(value)
    texts.append("")
  }

  private mutating func append(_ other: Statement) {
    append(literal: other.texts[0])
    texts.append(contentsOf: other.texts.dropFirst())
    values.append(contentsOf: other.values)
  }

  /// Bound values with commas between them, as they stand in `IN (…)`.
  static func list(_ values: some Sequence<String>) -> Statement {
    var list: Statement = ""
    for (index, value) in values.enumerated() {
      if index > 0 { list += ", " }
      list += "\(value)"
    }
    return list
  }

  public static func += (left: inout Statement, right: Statement) { left.append(right) }
}

extension Statement: ExpressibleByStringInterpolation {
  public init(stringLiteral value: StaticString) {
    texts = [value.description]
    values = []
  }

  public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.statement }

  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var statement: Statement = ""

    public init(literalCapacity: Int, interpolationCount: Int) {}

    public mutating func appendLiteral(_ literal: StaticString) { statement.append(literal: literal.description) }
    public mutating func appendInterpolation(_ value: String) { statement.append(value: .text(value)) }
    public mutating func appendInterpolation(_ value: String?) { statement.append(value: value.map(SQLValue.text) ?? .null) }
    public mutating func appendInterpolation(_ value: Int) { statement.append(value: .integer(Int64(value))) }
    public mutating func appendInterpolation(_ value: Int64) { statement.append(value: .integer(value)) }
    public mutating func appendInterpolation(_ value: Int?) {
      statement.append(value: value.map { SQLValue.integer(Int64($0)) } ?? .null)
    }
    public mutating func appendInterpolation(_ value: Instant) { statement.append(value: .integer(value.milliseconds)) }
    public mutating func appendInterpolation(_ value: Instant?) {
      statement.append(value: value.map { SQLValue.integer($0.milliseconds) } ?? .null)
    }
    public mutating func appendInterpolation(_ value: some StringIdentifier) { statement.append(value: .text(value.rawValue)) }
    public mutating func appendInterpolation(_ value: JSONValue) { statement.append(value: .text(value.serialized())) }
    public mutating func appendInterpolation(_ value: JSONValue?) {
      statement.append(value: value.map { SQLValue.text($0.serialized()) } ?? .null)
    }
    public mutating func appendInterpolation(_ other: Statement) { statement.append(other) }
  }
}
