public import Domain

/// One row of an answer. Reading a column that is not there, or that holds another type, throws: it means that SQL and code
/// disagree, which is a defect and never a user's mistake.
public struct Row: Sendable {
  /// Where each column stands; shared by the rows of one answer.
  private let positions: [String: Int]
  private let values: [SQLValue]

  /// `values` are in the order of the columns that `positions` gives.
  public init(positions: [String: Int], values: [SQLValue]) {
    self.positions = positions
    self.values = values
  }

  public func value(_ column: String) throws(AppError) -> SQLValue {
    guard let position = positions[column], position < values.count else {
      throw .internal(cause: "The configuration store's answer has no column \(column).")
    }
    return values[position]
  }

  public func optionalText(_ column: String) throws(AppError) -> String? {
    switch try value(column) {
    case .text(let text): return text
    case .null: return nil
    case .integer: throw .internal(cause: "Column \(column) holds a number where text is expected.")
    }
  }

  public func optionalInteger(_ column: String) throws(AppError) -> Int64? {
    switch try value(column) {
    case .integer(let integer): return integer
    case .null: return nil
    case .text: throw .internal(cause: "Column \(column) holds text where a number is expected.")
    }
  }

  public func text(_ column: String) throws(AppError) -> String { try present(column, optionalText(column)) }

  public func integer(_ column: String) throws(AppError) -> Int { Int(try present(column, optionalInteger(column))) }

  public func optionalInstant(_ column: String) throws(AppError) -> Instant? {
    try optionalInteger(column).map(Instant.init(milliseconds:))
  }

  public func instant(_ column: String) throws(AppError) -> Instant { try present(column, optionalInstant(column)) }

  public func id<ID: StringIdentifier>(_ column: String, as type: ID.Type = ID.self) throws(AppError) -> ID {
    ID(rawValue: try text(column))
  }

  public func optionalJSON(_ column: String) throws(AppError) -> JSONValue? {
    guard let text = try optionalText(column) else { return nil }
    do {
      return try JSONParser.parse(text)
    } catch {
      throw .internal(cause: "Column \(column) does not hold JSON: \(error.reason) at byte \(error.offset).")
    }
  }

  public func json(_ column: String) throws(AppError) -> JSONValue { try present(column, optionalJSON(column)) }

  public func strings(_ column: String) throws(AppError) -> [String] {
    (try json(column).arrayValue ?? []).compactMap(\.stringValue)
  }

  private func present<T>(_ column: String, _ value: T?) throws(AppError) -> T {
    guard let value else { throw .internal(cause: "Column \(column) is NULL where a value is expected.") }
    return value
  }
}
