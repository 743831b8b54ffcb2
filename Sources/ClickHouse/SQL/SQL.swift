internal import Domain

/// A piece of ClickHouse SQL with its bound values.
///
/// Interpolating means binding: text comes from literals only, values become ClickHouse query parameters (`{p0:String}` in the
/// text, the value beside it), and another `SQL` is spliced in.
///
///     let tenant: SQL = "tenant_id = \(bind: scope.tenant)"
///     let query: SQL = "SELECT count() FROM \(identifier: "emban.events") WHERE \(tenant)"
///     query.text        // SELECT count() FROM `emban`.`events` WHERE tenant_id = {p0:String}
///     query.parameters  // [p0: String = "acme"]
///
/// There is no interpolation of a plain `String`: `"… \(name)"` does not compile, neither in a literal nor through a variable,
/// because the literal parts are `StaticString`s. The one door for text made at run time is ``init(trusted:)``, which is
/// meant for migration files and is easy to find in a review.
public struct SQL: Sendable, Hashable {
  enum Piece: Sendable, Hashable {
    case text(ExactText)
    case value(SQLValue)
  }

  var pieces: [Piece]

  init(pieces: [Piece]) {
    self.pieces = pieces
  }

  /// SQL text made at run time. The caller vouches for every character of it; never pass anything that came from a request.
  public init(trusted text: String) {
    pieces = text.isEmpty ? [] : [.text(ExactText(text))]
  }

  /// A bound value of its own, for building lists.
  public init(bind value: SQLValue) {
    pieces = [.value(value)]
  }

  /// No text at all.
  public static let empty = SQL(pieces: [])

  /// Whether there is neither text nor a value.
  public var isEmpty: Bool { pieces.isEmpty }

  /// The statement with a `{p0:Type}` marker for each bound value, numbered in the order of their appearance.
  public var text: String {
    var result = ""
    var number = 0
    for piece in pieces {
      switch piece {
      case .text(let text):
        result += text.text
      case .value(let value):
        result += "{p\(number):\(value.type)}"
        number += 1
      }
    }
    return result
  }

  /// The values of the markers in ``text``, in their order.
  public var parameters: [Parameter] {
    var result: [Parameter] = []
    for case .value(let value) in pieces {
      result.append(Parameter(name: "p\(result.count)", type: value.type, value: value.literal))
    }
    return result
  }

  /// One bound value.
  public struct Parameter: Sendable, Hashable {
    /// `p0`, `p1` …
    public let name: String
    /// The ClickHouse type of the marker: `String`, `Float64`, `Array(String)` …
    public let type: String
    /// The value as ClickHouse reads it from the HTTP parameter `param_p0`, escaped but not yet percent-encoded.
    public let value: String
  }

  /// The pieces one after the other with `separator` between them: `SQL.join(conditions, separator: " AND ")`.
  public static func join(_ parts: [SQL], separator: SQL) -> SQL {
    var pieces: [Piece] = []
    for (index, part) in parts.enumerated() {
      if index > 0 { pieces += separator.pieces }
      pieces += part.pieces
    }
    return SQL(pieces: pieces)
  }

  /// `expression IN values`, for lists of any length: ClickHouse takes a constant of at most 1 MiB there, so that a longer list
  /// becomes several, joined with OR and in parentheses. An empty list matches nothing.
  public static func membership(of expression: SQL, in values: [String]) -> SQL {
    var chunks: [[String]] = [[]]
    var length = 0
    for value in values {
      // A string in an array takes 8 bytes more than its text.
      length += value.utf8.count + 9
      if length > 500_000 {
        chunks.append([])
        length = value.utf8.count + 9
      }
      chunks[chunks.count - 1].append(value)
    }
    let conditions: [SQL] = chunks.map { "\(expression) IN \(bind: $0)" }
    return conditions.count == 1 ? conditions[0] : "(\(join(conditions, separator: " OR ")))"
  }

  public static func + (left: SQL, right: SQL) -> SQL {
    SQL(pieces: left.pieces + right.pieces)
  }

  public static func += (left: inout SQL, right: SQL) {
    left.pieces += right.pieces
  }
}

extension SQL: ExpressibleByStringInterpolation {
  public init(stringLiteral value: StaticString) {
    self.init(trusted: "\(value)")
  }

  public init(stringInterpolation: Interpolation) {
    pieces = stringInterpolation.pieces
  }

  public typealias StringInterpolation = Interpolation

  /// What may stand in `\( )` inside an ``SQL`` literal.
  public struct Interpolation: StringInterpolationProtocol {
    var pieces: [Piece] = []

    public init(literalCapacity: Int, interpolationCount: Int) {
      pieces.reserveCapacity(interpolationCount * 2 + 1)
    }

    public mutating func appendLiteral(_ literal: StaticString) {
      if literal.utf8CodeUnitCount > 0 { pieces.append(.text(ExactText("\(literal)"))) }
    }

    /// Splices another statement or fragment; its parameters are renumbered.
    public mutating func appendInterpolation(_ sql: SQL) {
      pieces += sql.pieces
    }

    /// Binds a value.
    public mutating func appendInterpolation(bind value: SQLValue) {
      pieces.append(.value(value))
    }

    /// Binds a `String`.
    public mutating func appendInterpolation(bind value: String) {
      pieces.append(.value(SQLValue(value)))
    }

    /// Binds a `Float64`.
    public mutating func appendInterpolation(bind value: Double) {
      pieces.append(.value(SQLValue(value)))
    }

    /// Binds an `Int64`.
    public mutating func appendInterpolation(bind value: Int) {
      pieces.append(.value(SQLValue(value)))
    }

    /// Binds an `Array(String)`; it may be empty. A list too long for one parameter becomes an array of single parameters.
    public mutating func appendInterpolation(bind values: [String]) {
      let list = SQLValue(values)
      guard list.literal.utf8.count > SQLValue.longestLiteral else {
        pieces.append(.value(list))
        return
      }
      pieces.append(.text(ExactText("[")))
      for (index, value) in values.enumerated() {
        if index > 0 { pieces.append(.text(ExactText(", "))) }
        pieces.append(.value(SQLValue(value)))
      }
      pieces.append(.text(ExactText("]")))
    }

    /// Writes the name of a table, column, function or alias, quoted with backticks.
    public mutating func appendInterpolation(identifier: SQLIdentifier) {
      pieces.append(.text(ExactText(identifier.quoted)))
    }

    /// Writes the path of a property. The bare path has the type `Dynamic`: in expressions use
    /// ``PropertyPath/numericExpression`` and ``PropertyPath/stringExpression``.
    public mutating func appendInterpolation(property: PropertyPath) {
      pieces.append(.text(ExactText(property.quoted)))
    }
  }
}
