internal import ClickHouse
internal import Domain

/// A value per bucket of time, for all events (then also of a second metric) or for each of the largest groups, with the rest as one more
/// on request. The server counts the buckets that hold events; the empty ones are filled in here.
struct TimeseriesPlan: KindPlan {
  let question: Question
  let buckets: TimeBuckets
  let dimension: Dimension?
  /// How many groups become series.
  let series: Int

  // MARK: Statements

  /// A row may only be told apart as belonging to the span before when the spans have no moment in common.
  private var comparesInOnePass: Bool {
    question.time.previous.map { !$0.overlaps(question.time.range) } ?? false
  }

  var statements: [Statement] {
    guard let previous = question.time.previous else { return [statement(.result, over: [question.time.range])] }
    if comparesInOnePass {
      return [statement(.result, over: [question.time.range, previous])]
    }
    return [statement(.result, over: [question.time.range]), statement(.previous, over: [previous])]
  }

  /// Rows of: whether in the span of the answer, bucket, value, second value if there is one; with a dimension also its value and its
  /// rank (0 for all beyond the shown), and whether there is anything beyond.
  private func statement(_ purpose: Statement.Purpose, over spans: [TimeRange]) -> Statement {
    let isCurrent: SQL =
      comparesInOnePass ? "timestamp >= \(Conditions.moment(question.time.range.from))" : "\(bind: purpose == .result ? 1 : 0)"
    let source = question.source
    return question.statement(purpose) { measures in
      var columns: [SQL] = ["\(isCurrent) AS is_current", "\(buckets.key) AS bucket", "\(source.sql(measures.first)) AS value"]
      guard let dimension else {
        if let second = measures.second {
          // The second metric is not compared.
          columns.append("\(source.sql(second, where: comparesInOnePass ? question.current : nil)) AS second_value")
        }
        return """
          SELECT \(SQL.join(columns, separator: ", ")) \(source.from(spans)) GROUP BY is_current, bucket ORDER BY is_current, bucket
          """
      }
      // The largest groups are those of the span of the answer, also for the span before. One more tells whether there are more.
      let found: SQL = """
        SELECT groupArray(name) FROM (SELECT \(source.sql(dimension)) AS name \(source.from([question.time.range])) GROUP BY name \
        ORDER BY \(source.sql(measures.first)) \(question.query.order == .ascending ? "ASC" : "DESC") NULLS LAST, name ASC \
        LIMIT \(bind: series + 1))
        """
      let place = source.place(of: dimension, in: "top")
      let isShown: SQL = question.query.other ? .empty : "\(place) > 0"
      columns += [
        "arrayElement(top, series) AS dimension", "\(place) AS series", "length(found) > length(top) AS truncated",
      ]
      return """
        WITH (\(found)) AS found, arraySlice(found, 1, \(bind: series)) AS top SELECT \(SQL.join(columns, separator: ", ")) \
        \(source.from(spans, and: isShown)) GROUP BY is_current, bucket, series ORDER BY is_current, bucket, series
        """
    }
  }

  // MARK: Shape

  private struct Cell: Hashable {
    var bucket: Int
    var series: Int
  }

  /// The server's rows, by span and place.
  private struct Found {
    var now: [Cell: JSONValue] = [:]
    var before: [Cell: JSONValue] = [:]
    var second: [Int: JSONValue] = [:]
    /// The dimension's values by rank.
    var names: [Int: JSONValue] = [:]
    /// Whether the span of the answer has events beyond the ranks.
    var hasRest = false
    var truncated = false

    /// Ranks in the order in which they are shown, the rest last.
    var series: [Int] { names.keys.sorted() + (hasRest ? [0] : []) }
  }

  private func found(_ rows: some Sequence<[JSONValue]>) -> Found {
    var found = Found()
    let hasSecond = question.query.secondMetric != nil
    for row in rows {
      let isCurrent = row[0] == 1 || row[0] == true
      var cell = Cell(bucket: row[1].numberValue.map { Int($0) } ?? 0, series: 0)
      if dimension != nil {
        cell.series = row[4].numberValue.map { Int($0) } ?? 0
        if cell.series > 0 { found.names[cell.series] = row[3] } else if isCurrent { found.hasRest = true }
        found.truncated = row[5] == 1 || row[5] == true
      } else if hasSecond, isCurrent {
        found.second[cell.bucket] = row[3]
      }
      if isCurrent { found.now[cell] = row[2] } else { found.before[cell] = row[2] }
    }
    return found
  }

  func shape(_ answers: [[[JSONValue]]]) -> ShapedRows {
    let found = found(answers.joined())
    let hasSecond = question.query.secondMetric != nil
    let shown = shownBuckets(lastKey: found.now.keys.map(\.bucket).max())
    let compared = comparedBuckets(count: shown.count)

    var columns: [ResultColumn] = [.time]
    if let dimension { columns.append(.dimension(dimension)) }
    columns.append(.value)
    var shaped = ShapedRows(columns: columns, rows: [], previousColumns: columns)
    shaped.truncated = found.truncated
    if hasSecond { shaped.columns.append(.secondValue) }
    if question.time.previous != nil { shaped.columns.append(.previousValue) }
    for (index, bucket) in shown.enumerated() {
      for number in dimension == nil ? [0] : found.series {
        let name = dimension == nil ? [] : [found.names[number] ?? .null]
        var row = [bucket.start.json] + name + [question.value(found.now[Cell(bucket: bucket.key, series: number)] ?? .null)]
        if hasSecond { row.append(question.secondValue(found.second[bucket.key] ?? .null)) }
        if let previous = question.time.previous {
          let earlier = compared[index]
          let before = found.before[Cell(bucket: earlier.key, series: number)] ?? .null
          let value = earlier.start < previous.to ? question.value(before) : .null
          row.append(value)
          shaped.previousRows.append([earlier.start.json] + name + [value])
        }
        shaped.rows.append(row)
      }
    }
    return shaped
  }

  /// The buckets up to now, and beyond where there are events.
  private func shownBuckets(lastKey: Int?) -> [TimeBuckets.Bucket] {
    let all = buckets.buckets(of: question.time.range) ?? []
    let end = question.time.elapsed.to
    return Array(all.prefix { $0.start < end || $0.key <= lastKey ?? .min })
  }

  /// As many buckets from the start of the span before.
  private func comparedBuckets(count: Int) -> [TimeBuckets.Bucket] {
    guard let previous = question.time.previous, count > 0 else { return [] }
    var list = [buckets.bucket(of: previous.from)]
    while list.count < count { list.append(buckets.bucket(after: list[list.count - 1])) }
    return list
  }

  // MARK: Granularity

  /// The width of the buckets when the query does not say: minutes up to 2 hours, hours up to 3 days, days up to 92 days, weeks up
  /// to a year, then months; months for the period of twelve months.
  static func automaticGranularity(for time: ResolvedTime) -> Granularity {
    if time.period == .year { return .month }
    // One hour more for the day on which the clock is put back.
    let hours = Double(time.range.milliseconds) / 3_600_000 - 1
    switch hours {
    case ...2 where time.range.milliseconds <= 7_200_000: return .minute
    case ...72: return .hour
    case ...(92 * 24): return .day
    case ...(366 * 24): return .week
    default: return .month
    }
  }

  /// - Throws: ``AppError`` 422 `too_many_buckets` when the query asks for more than ``Limits/buckets``. When a viewer has chosen another
  ///   time than the author had in mind, a width that no longer fits (too many buckets, or a single one) gives way to the automatic one.
  static func granularity(_ wanted: Granularity?, for time: ResolvedTime) throws(AppError) -> Granularity {
    let automatic = automaticGranularity(for: time)
    guard let wanted, wanted != automatic else { return automatic }
    let count = TimeBuckets(wanted, in: time.zone).buckets(of: time.range, limit: Limits.buckets)?.count
    if let count, count > 1 || !time.chosenByViewer { return wanted }
    if time.chosenByViewer { return automatic }
    let finest = Granularity.allCases.first { TimeBuckets($0, in: time.zone).buckets(of: time.range, limit: Limits.buckets) != nil }
    throw .invalid(
      "granularity", "too_many_buckets",
      "\(wanted.rawValue) gives more than \(Limits.buckets) buckets over this time; use \((finest ?? automatic).rawValue) or a shorter time"
    )
  }
}
