internal import ClickHouse
internal import Domain

/// The statements of one build: events → rows of `emban.rollups`.
struct BuildStatements {
  let tenant: TenantKey
  let run: Backlog.Run
  let properties: Properties
  /// The time of the build, in milliseconds since 1970: later builds have higher numbers.
  let build: Int

  /// All rows of one dimension and width.
  struct Slice: Hashable {
    enum Width: String, Hashable { case day, halfHour = "half_hour" }

    let dimension: ExactText
    let width: Width
    /// Nil for all days of the run.
    let days: [CivilDate]?
  }

  var slices: [Slice] {
    let names = Set(properties.days.flatMap(\.dimensions)).sorted()
    return names.flatMap { name -> [Slice] in
      [
        slice(name, .day, properties.days.filter { $0.dimensions.contains(name) }),
        slice(name, .halfHour, properties.days.filter { $0.halves.contains(name) }),
      ].compactMap(\.self)
    }
  }

  private func slice(_ name: ExactText, _ width: Slice.Width, _ days: [Properties.Day]) -> Slice? {
    guard !days.isEmpty else { return nil }
    return Slice(dimension: name, width: width, days: days.count == properties.days.count ? nil : days.map(\.day))
  }

  /// Few events are gone through for all slices by one statement, many slice by slice, which bounds the memory.
  var inserts: [SQL] {
    let slices = slices
    let selects = slices.map(select)
    guard run.events > 500_000 else {
      return slices.isEmpty ? [] : [insert(SQL.join(selects, separator: " UNION ALL "))]
    }
    return selects.map(insert)
  }

  private func insert(_ select: SQL) -> SQL {
    """
    INSERT INTO \(identifier: RollupTable.rows) (org_id, environment, tenant_id, width, dimension, measure, event_name, bucket, value, build, \
    n, s, mn, mx, quantiles, users) \(select)
    """
  }

  private func select(_ slice: Slice) -> SQL {
    let bucket: SQL = slice.width == .day ? "toStartOfDay(timestamp)" : "toStartOfInterval(timestamp, INTERVAL 30 MINUTE)"
    let value: SQL = slice.dimension.text.isEmpty ? "''" : PropertyPath.string(slice.dimension.text).stringExpression
    // States take most of the space; half-hours of single values do without.
    let withStates = slice.width == .day || slice.dimension.text.isEmpty
    let users: SQL = withStates ? "uniqCombined64StateIf(17)(user_id, user_id != '')" : Self.noUsers
    let parts: [SQL] =
      ["('', count(), 0., 0., 0., \(Self.noQuantiles), \(users))"]
      + properties.measures.map { name in
        let number = PropertyPath.numeric(name.text).numericExpression
        let quantiles: SQL =
          withStates ? "quantileBFloat16StateIf(assumeNotNull(\(number)), isNotNull(\(number)))" : Self.noQuantiles
        return """
          (\(bind: name.text), count(\(number)), ifNull(sum(\(number)), 0.), ifNull(min(\(number)), 0.), ifNull(max(\(number)), 0.), \
          \(quantiles), \(Self.noUsers))
          """
      }
    let days: SQL =
      slice.days.map { days in
        " AND toInt32(toDate32(timestamp)) IN (\(SQL.join(days.map { "\(bind: $0.daysSinceEpoch)" }, separator: ", ")))"
      } ?? .empty
    return """
      SELECT \(tenant.columns), \(bind: slice.width.rawValue), \(bind: slice.dimension.text), part.1, event_name, start, val, \
      toUInt64(\(bind: build)), part.2, part.3, part.4, part.5, part.6, part.7 FROM \
      (SELECT event_name, \(bucket) AS start, \(value) AS val, [\(SQL.join(parts, separator: ", "))] AS parts \
      FROM \(identifier: RollupTable.events) WHERE \(tenant.conditions) AND \(run.conditions)\(days) \
      GROUP BY event_name, start, val) ARRAY JOIN parts AS part WHERE part.2 > 0
      """
  }

  private static let noQuantiles: SQL = "initializeAggregation('quantileBFloat16StateIf', 0., 0)"
  private static let noUsers: SQL = "initializeAggregation('uniqCombined64StateIf(17)', '', 0)"

  /// Rows of: day, fewest and most events of a slice of it. They are the same unless an event arrived while the slices were written.
  var totals: SQL {
    """
    SELECT day, min(total), max(total) FROM (SELECT toInt32(toDate32(bucket)) AS day, width, dimension, sum(n) AS total \
    FROM \(identifier: RollupTable.rows) WHERE \(tenant.conditions) AND measure = '' AND build = \(bind: build) \
    AND \(bucketConditions) GROUP BY day, width, dimension) GROUP BY day
    """
  }

  private var bucketConditions: SQL {
    "bucket >= toDateTime(\(bind: run.first.midnightUTC)) AND bucket < toDateTime(\(bind: run.last.midnightUTC)) + 86400"
  }

  /// The record of the days whose slices all count the events that were found on the day: JSON, one line each.
  /// - Parameter rows: those of ``totals``.
  func record(_ rows: [[JSONValue]]) -> String {
    let totals = Dictionary(rows.map { ($0[0].intValue, [$0[1].intValue, $0[2].intValue]) }, uniquingKeysWith: { first, _ in first })
    return properties.days.filter { day in
      day.dimensions.isEmpty || totals[day.day.daysSinceEpoch] == [day.events, day.events]
    }.map { day in
      BuildRecord(
        tenant: tenant, width: "day", day: day.day, build: build, events: day.events, dimensions: day.dimensions, halves: day.halves,
        omittedDimensions: day.omittedDimensions, measures: day.measures, omittedMeasures: day.omittedMeasures
      ).line
    }.joined()
  }
}
