/// What is computed over the events of a widget.
public enum Metric: String, Sendable, Hashable, CaseIterable {
  case count
  case countUnique = "count_unique"
  case countUniqueApprox = "count_unique_approx"
  case sum, avg, min, max, p50, p90, p95, p99

  /// Whether the metric is computed over a numeric property, which must then be named.
  public var needsNumericProperty: Bool {
    switch self {
    case .count, .countUnique, .countUniqueApprox: false
    case .sum, .avg, .min, .max, .p50, .p90, .p95, .p99: true
    }
  }

  public var countsUniques: Bool { self == .countUnique || self == .countUniqueApprox }

  /// Whether parts add up to the whole: only then has a group a share of the total, and an empty bucket the value 0.
  public var isAdditive: Bool { self == .count || self == .sum }

  /// What an empty bucket shows: 0 for counts and sums, nothing for the others.
  public var zeroWhenEmpty: Bool { isAdditive || countsUniques }

  /// The quantile of a percentile metric, between 0 and 1.
  public var quantile: Double? {
    switch self {
    case .p50: 0.5
    case .p90: 0.9
    case .p95: 0.95
    case .p99: 0.99
    default: nil
    }
  }
}

/// The width of a time bucket.
public enum Granularity: String, Sendable, Hashable, CaseIterable {
  case minute, hour, day, week, month
}

/// What a value is compared with.
public enum Comparison: String, Sendable, Hashable, CaseIterable {
  case previousPeriod = "previous_period"
  case previousYear = "previous_year"
}

/// The order of a breakdown's or table's rows by their value.
public enum SortOrder: String, Sendable, Hashable, CaseIterable {
  case descending = "desc"
  case ascending = "asc"
}
