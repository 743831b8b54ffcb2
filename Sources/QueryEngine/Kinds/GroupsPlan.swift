internal import ClickHouse
internal import Domain

/// A breakdown or a table: one row per value of a dimension, with its share of the total over all values where parts add up, with a second
/// metric, and compared with the span before, all in the same pass. Groups without an event in the span of the answer are left out.
struct GroupsPlan: KindPlan {
  let question: Question
  let dimension: Dimension
  let limit: Int

  // MARK: Statements

  var statements: [Statement] {
    [
      question.statement(.result) { measures in
        question.query.other ? joined(measures) : plain(measures)
      }
    ]
  }

  private var spans: [TimeRange] { [question.time.range] + [question.time.previous].compactMap(\.self) }

  /// What limits a measure to the span of the answer, where the rows are those of two spans.
  private var now: SQL? { question.time.previous == nil ? nil : question.current }

  private var direction: SQL { question.query.order == .ascending ? "ASC" : "DESC" }

  private var total: SQL { question.query.metric.isAdditive ? "sum(value) OVER ()" : "NULL" }

  /// Rows of both forms: value of the dimension, measure, total, how many groups there are; the second metric if there is one; the measure
  /// of the span before if it is compared.
  private func plain(_ measures: Measures) -> SQL {
    let source = question.source
    var columns: [SQL] = [
      "\(source.sql(dimension)) AS dimension", "\(source.sql(measures.first, where: now)) AS value", "\(total) AS total",
      "count() OVER () AS groups",
    ]
    if let second = measures.second { columns.append("\(source.sql(second, where: now)) AS second_value") }
    if let previous = question.time.previous {
      columns.append("\(source.sql(measures.first, where: Conditions.within(previous))) AS previous_value")
    }
    let having: SQL = now.map { " HAVING \(source.count(where: $0)) > 0" } ?? .empty
    return """
      SELECT \(SQL.join(columns, separator: ", ")) \(source.from(spans)) GROUP BY dimension\(having) \
      ORDER BY value \(direction) NULLS LAST, dimension ASC LIMIT \(bind: limit)
      """
  }

  // MARK: The rest

  // One more row, whose dimension is NULL, stands for everything beyond the limit. With two spans a group may have events in the earlier
  // only. It is no row of its own, but part of the rest: what was shown before and the rest make up the whole.

  /// Groups are made once, as states, and those beyond the limit are then joined, so that the rest is right for metrics that do not add
  /// up, too.
  private func joined(_ measures: Measures) -> SQL {
    let source = question.source
    var inner: [SQL] = [
      "\(source.sql(dimension)) AS dimension", "\(source.state(measures.first, where: now)) AS state",
      "\(source.finalized(measures.first, "state")) AS value",
    ]
    var outer: [SQL] = [
      "if(place <= \(bind: limit), dimension, NULL) AS name", "\(source.merged(measures.first, "state")) AS shown",
      "any(total) AS whole", "any(groups) AS count",
    ]
    if let second = measures.second {
      inner.append("\(source.state(second, where: now)) AS second_state")
      outer.append("\(source.merged(second, "second_state")) AS second_value")
    }
    var presence: SQL = .empty
    var groups: SQL = "count() OVER ()"
    if let previous = question.time.previous {
      inner.append("\(source.state(measures.first, where: Conditions.within(previous))) AS previous_state")
      inner.append("\(source.count(where: question.current)) > 0 AS present")
      outer.append("\(source.merged(measures.first, "previous_state")) AS previous_value")
      presence = "present DESC, "
      groups = "sum(toUInt64(present)) OVER ()"
    }
    inner += [
      "row_number() OVER (ORDER BY \(presence)value \(direction) NULLS LAST, dimension ASC) AS place", "\(total) AS total",
      "\(groups) AS groups",
    ]
    return """
      SELECT \(SQL.join(outer, separator: ", ")) \
      FROM (SELECT \(SQL.join(inner, separator: ", ")) \(source.from(spans)) GROUP BY dimension) \
      GROUP BY name ORDER BY min(place)
      """
  }

  // MARK: Shape

  func shape(_ answers: [[[JSONValue]]]) -> ShapedRows {
    let additive = question.query.metric.isAdditive
    let hasSecond = question.query.secondMetric != nil
    let compared = question.time.previous != nil
    var columns: [ResultColumn] = [.dimension(dimension), .value]
    if additive { columns.append(.share) }
    if hasSecond { columns.append(.secondValue) }
    if compared { columns += [.previousValue, .deltaPercent] }
    let found = answers.first ?? []
    let groups = found.first.flatMap { $0[3].numberValue }.map { Int($0) } ?? 0
    // Groups of the span before alone are nothing beyond.
    let shown = question.query.other ? Array(found.prefix(groups > limit ? limit + 1 : groups)) : found
    let rows = shown.enumerated().map { index, row -> [JSONValue] in
      let value = question.value(row[1])
      var cells: [JSONValue] = [index < limit ? row[0] : .null, value]
      if additive { cells.append(Change.share(value, of: row[2])) }
      if hasSecond { cells.append(question.secondValue(row[4])) }
      if compared {
        let before = question.value(row[hasSecond ? 5 : 4])
        cells += [before, Change.percent(value, from: before)]
      }
      return cells
    }
    return ShapedRows(columns: columns, rows: rows, truncated: groups > (question.query.other ? limit : rows.count))
  }
}
