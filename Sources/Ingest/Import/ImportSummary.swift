public import Domain

/// What became of the rows of an import.
public struct ImportSummary: Sendable {
  /// The rows that were rejected for one reason.
  public struct Reason: Sendable {
    public let code: RejectionCode
    public let field: String
    public var count: Int
    /// Of the first rejected rows, at most ``ImportSummary/listedLines``.
    public var lines: [Int]
    /// What was expected, of the first such row.
    public let expected: String
  }

  public static let listedLines = 5

  /// Also the number of the first row that is not decided yet.
  public internal(set) var rows = 0
  public internal(set) var accepted = 0
  /// The most frequent first.
  public var reasons: [Reason] { table.values.sorted { ($1.count, $0.code.rawValue) < ($0.count, $1.code.rawValue) } }
  public var rejected: Int { rows - accepted }

  fileprivate struct Key: Hashable {
    let code: RejectionCode
    let field: String
  }

  fileprivate var table: [Key: Reason] = [:]

  public init() {}

  mutating func reject(_ rejection: Rejection, line: Int) {
    // Field names may come from the file; their number must not grow without bound.
    let field = table.count < 100 ? rejection.field : ""
    let key = Key(code: rejection.code, field: field)
    var reason =
      table[key] ?? Reason(code: rejection.code, field: field, count: 0, lines: [], expected: rejection.expected)
    reason.count += 1
    if reason.lines.count < Self.listedLines { reason.lines = (reason.lines + [line]).sorted() }
    table[key] = reason
  }
}

extension ImportSummary {
  /// For a checkpoint: ``init(json:)`` reads it.
  public var json: JSONValue {
    [
      "rows": .int(rows), "accepted": .int(accepted),
      "reasons": .array(
        reasons.map { reason in
          [
            "code": .string(reason.code.rawValue), "field": .string(reason.field), "count": .int(reason.count),
            "lines": .array(reason.lines.map { .int($0) }), "expected": .string(reason.expected),
          ]
        }),
    ]
  }

  /// Nil when it is not what ``json`` writes.
  public init?(json: JSONValue) {
    func number(_ value: JSONValue?) -> Int? { value?.numberValue.map { Int($0) } }
    guard let rows = number(json["rows"]), let accepted = number(json["accepted"]), let reasons = json["reasons"]?.arrayValue else {
      return nil
    }
    self.init()
    self.rows = rows
    self.accepted = accepted
    for reason in reasons {
      guard let code = reason["code"]?.stringValue.flatMap(RejectionCode.init(rawValue:)), let field = reason["field"]?.stringValue,
        let count = number(reason["count"]), let lines = reason["lines"]?.arrayValue?.compactMap(number),
        let expected = reason["expected"]?.stringValue
      else { return nil }
      table[Key(code: code, field: field)] = Reason(code: code, field: field, count: count, lines: lines, expected: expected)
    }
  }
}
