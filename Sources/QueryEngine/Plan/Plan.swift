internal import ClickHouse
public import Domain

/// What a question came to: the statements to run, and how their rows become the answer. Made by ``Planner`` only.
public struct Plan: Sendable {
  public let scope: Scope
  public let statements: [Statement]
  public let time: ResolvedTime
  /// The width of the buckets of a time series.
  public let granularity: Granularity?
  /// Whether the rows are known to give percentiles or distinct counts within 1 % only.
  var isApproximate = false
  let kind: any KindPlan

  init(_ kind: any KindPlan, scope: Scope, time: ResolvedTime, granularity: Granularity? = nil) {
    self.scope = scope
    self.time = time
    self.granularity = granularity
    self.kind = kind
    statements = kind.statements
  }
}

extension Plan {
  /// All that the answer depends on beside the scope and the events: the statements with their bound values, the spans of time and how
  /// they are shown.
  public var fingerprint: [String] {
    var texts = ["\(type(of: kind))", granularity?.rawValue ?? "", time.zone.name]
    for range in [time.range, time.previous, time.elapsed] {
      texts.append(range.map { "\($0.from.milliseconds) \($0.to.milliseconds)" } ?? "")
    }
    for statement in statements {
      texts += [statement.purpose.rawValue, statement.sql.text]
      for parameter in statement.sql.parameters { texts += [parameter.type, parameter.value] }
    }
    return texts
  }
}

/// One kind of widget: how its question is put, and how the answer reads. Each is a file of its own in `Kinds/`.
protocol KindPlan: Sendable {
  var statements: [Statement] { get }
  /// - Parameter answers: the rows of each statement, in their order.
  func shape(_ answers: [[[JSONValue]]]) -> ShapedRows
}

/// Columns and rows of an answer, before its frame of meta data.
struct ShapedRows {
  var columns: [ResultColumn]
  var rows: [[JSONValue]]
  /// Named by the columns of `previousColumns`.
  var previousRows: [[JSONValue]] = []
  var previousColumns: [ResultColumn] = []
  var truncated = false
  var totals: QueryResult.Totals?
}
