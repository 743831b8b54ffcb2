public import Domain

/// Makes the answer out of the rows of a plan's statements.
public enum ResultShaper {
  /// - Parameters:
  ///   - answers: for each statement of the plan, in their order, its rows.
  ///   - elapsedMilliseconds: how long the statements took.
  ///   - approximate: whether a fallback was run.
  public static func shape(
    _ plan: Plan, _ answers: [[[JSONValue]]], elapsedMilliseconds: Double = 0, approximate: Bool = false
  ) -> QueryResult {
    let shaped = plan.kind.shape(answers)
    return QueryResult(
      columns: shaped.columns, rows: shaped.rows,
      previous: plan.time.previous.map {
        QueryResult.Previous(range: $0, columns: shaped.previousColumns, rows: shaped.previousRows)
      },
      totals: shaped.totals,
      meta: QueryResult.Meta(
        range: plan.time.range, granularity: plan.granularity, timezone: plan.time.zone.name, truncated: shaped.truncated,
        approximate: approximate || plan.isApproximate, elapsedMilliseconds: elapsedMilliseconds, cached: false, dataAsOf: plan.scope.now))
  }
}
