internal import ClickHouse
internal import Domain

/// A metric over the rows of a group, as an aggregate function.
///
/// - `count_unique` is exact (`uniqExact`), `count_unique_approx` is `uniq` (exact up to 65,536 values, 0.5 % beyond, a third of the
///   time there); neither counts the empty value that stands for a missing one.
/// - Percentiles are exact and interpolate like PERCENTILE.INC, `percentile_cont` and numpy do. Measured on 2 cores: 5 M rows take
///   0.08 s, against 0.10 s for a t-digest. Their memory grows with the rows (8 bytes each), so that ``Statement/fallback`` holds the
///   same with `quantileBFloat16`: bounded memory, off by at most 0.4 % of the value.
/// - Events without the numeric property do not count in sum, avg, min, max and percentiles.
struct Measure {
  let metric: Metric
  let numericProp: String?
  let uniqueProp: String?
  /// Percentiles from bounded memory instead of exact ones.
  var approximate = false

  init(metric: Metric, numericProp: String?, uniqueProp: String?) {
    self.metric = metric
    self.numericProp = numericProp
    self.uniqueProp = uniqueProp
  }

  init(of query: WidgetQuery) throws(AppError) {
    if query.metric.needsNumericProperty, query.numericProp == nil {
      throw .invalid("numeric_prop", "missing", "is required by the metric \(query.metric.rawValue)")
    }
    self.init(metric: query.metric, numericProp: query.numericProp, uniqueProp: query.uniqueProp)
  }

  /// The same measure from bounded memory, where there is such a form.
  var bounded: Measure? {
    guard metric.quantile != nil, !approximate else { return nil }
    var measure = self
    measure.approximate = true
    return measure
  }

  /// The aggregate over all rows of the group, or over those for which `condition` holds.
  func sql(where condition: SQL? = nil) -> SQL {
    let number = PropertyPath.numeric(numericProp ?? "").numericExpression
    switch metric {
    case .count: return condition.map { "countIf(\($0))" } ?? "count()"
    case .countUnique, .countUniqueApprox:
      let value = uniqueProp.map(Dimension.init)?.sql ?? Dimension.userID.sql
      let present: SQL = condition.map { "\(value) != '' AND \($0)" } ?? "\(value) != ''"
      return metric == .countUnique ? "uniqExactIf(\(value), \(present))" : "uniqIf(\(value), \(present))"
    // Zero, not nothing, where no event has the property: so that it also sorts as zero.
    case .sum: return "ifNull(\(call("sum", number, condition)), 0)"
    case .avg: return call("avg", number, condition)
    case .min: return call("min", number, condition)
    case .max: return call("max", number, condition)
    case .p50: return percentile("(0.5)", number, condition)
    case .p90: return percentile("(0.9)", number, condition)
    case .p95: return percentile("(0.95)", number, condition)
    case .p99: return percentile("(0.99)", number, condition)
    }
  }

  private func call(_ name: SQL, _ argument: SQL, _ condition: SQL?) -> SQL {
    condition.map { "\(name)If(\(argument), \($0))" } ?? "\(name)(\(argument))"
  }

  private func percentile(_ level: SQL, _ argument: SQL, _ condition: SQL?) -> SQL {
    let name: SQL = approximate ? "quantileBFloat16" : "quantileExactInclusive"
    return condition.map { "\(name)If\(level)(\(argument), \($0))" } ?? "\(name)\(level)(\(argument))"
  }
}
