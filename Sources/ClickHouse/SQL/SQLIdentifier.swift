/// The name of a table, column, function or alias: a constant of the program, never a value of a request.
///
///     let events: SQLIdentifier = "emban.events"   // written as `emban`.`events`
///
/// It can only be made from a literal without interpolation, because it takes a `StaticString`.
public struct SQLIdentifier: Sendable, Hashable, ExpressibleByStringLiteral {
  /// The name as given, with dots between its parts.
  public let name: String

  public init(stringLiteral value: StaticString) {
    name = "\(value)"
  }

  /// Each part between backticks.
  public var quoted: String {
    name.split(separator: ".", omittingEmptySubsequences: false).map { "`\($0)`" }.joined(separator: ".")
  }
}
