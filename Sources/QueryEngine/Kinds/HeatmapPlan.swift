internal import ClickHouse
internal import Domain

/// A value for each hour of the week, by the local clock: 7 × 24 rows, from Monday at midnight on. An hour that the clock shows twice is
/// one; one that it skips holds nothing of that day.
struct HeatmapPlan: KindPlan {
  let question: Question

  /// Monday is 1.
  private var weekday: SQL { "toDayOfWeek(timestamp, 0, \(bind: question.time.zone.name))" }
  private var hour: SQL { "toHour(timestamp, \(bind: question.time.zone.name))" }

  var statements: [Statement] {
    [
      question.statement(.result) { measures in
        """
        SELECT \(weekday) AS weekday, \(hour) AS hour, \(question.source.sql(measures.first)) AS value \
        \(question.source.from([question.time.range])) GROUP BY weekday, hour ORDER BY weekday, hour
        """
      }
    ]
  }

  func shape(_ answers: [[[JSONValue]]]) -> ShapedRows {
    var found: [[Int]: JSONValue] = [:]
    for row in answers.joined() { found[row.prefix(2).map { Int($0.numberValue ?? 0) }] = row[2] }
    let rows = (1...7).flatMap { weekday in
      (0..<24).map { hour -> [JSONValue] in [.int(weekday), .int(hour), question.value(found[[weekday, hour]] ?? .null)] }
    }
    return ShapedRows(columns: [.weekday, .hour, .value], rows: rows)
  }
}
