internal import ClickHouse
internal import Domain

/// A breakdown or a table: one row per value of a dimension, with its share of the total over all values where parts add up, and
/// compared with the span before in the same pass. Groups without an event in the span of the answer are left out.
struct GroupsPlan: KindPlan {
  let question: Question
  let dimension: Dimension
  let limit: Int

  var statements: [Statement] {
    let time = question.time
    return [
      question.statement(.result) { measure in
        let direction: SQL = question.query.order == .ascending ? "ASC" : "DESC"
        let total: SQL = question.query.metric.isAdditive ? "sum(value) OVER ()" : "NULL"
        guard let previous = time.previous else {
          return """
            SELECT \(question.source.sql(dimension)) AS dimension, \(question.source.sql(measure)) AS value, \(total) AS total, count() OVER () AS groups \
            \(question.source.from([question.time.range])) GROUP BY dimension \
            ORDER BY value \(direction) NULLS LAST, dimension ASC LIMIT \(bind: limit)
            """
        }
        let now = question.source.sql(measure, where: question.current)
        let before = question.source.sql(measure, where: Conditions.within(previous))
        let spans = [time.range, previous]
        return """
          SELECT \(question.source.sql(dimension)) AS dimension, \(now) AS value, \(total) AS total, count() OVER () AS groups, \(before) AS previous_value \
          \(question.source.from(spans)) GROUP BY dimension HAVING \(question.source.count(where: question.current)) > 0 \
          ORDER BY value \(direction) NULLS LAST, dimension ASC LIMIT \(bind: limit)
          """
      }
    ]
  }

  func shape(_ answers: [[[JSONValue]]]) -> ShapedRows {
    let additive = question.query.metric.isAdditive
    let compared = question.time.previous != nil
    var columns: [ResultColumn] = [.dimension(dimension), .value]
    if additive { columns.append(.share) }
    if compared { columns += [.previousValue, .deltaPercent] }
    let found = answers.first ?? []
    let rows = found.map { row -> [JSONValue] in
      let value = question.value(row[1])
      var cells: [JSONValue] = [row[0], value]
      if additive { cells.append(Change.share(value, of: row[2])) }
      if compared {
        let before = question.value(row[4])
        cells += [before, Change.percent(value, from: before)]
      }
      return cells
    }
    let groups = found.first.flatMap { $0[3].numberValue } ?? 0
    return ShapedRows(columns: columns, rows: rows, truncated: groups > Double(rows.count))
  }
}
