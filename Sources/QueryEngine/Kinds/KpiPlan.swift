internal import ClickHouse
internal import Domain

/// One number, with compare both numbers from one pass over both spans.
struct KpiPlan: KindPlan {
  let question: Question

  var statements: [Statement] {
    let time = question.time
    return [
      question.statement(.result) { measures in
        guard let previous = time.previous else {
          return "SELECT \(question.source.sql(measures.first)) AS value \(question.source.from([question.time.range]))"
        }
        let now = question.source.sql(measures.first, where: question.current)
        let before = question.source.sql(measures.first, where: Conditions.within(previous))
        let spans = [time.range, previous]
        return "SELECT \(now) AS value, \(before) AS previous_value \(question.source.from(spans))"
      }
    ]
  }

  func shape(_ answers: [[[JSONValue]]]) -> ShapedRows {
    let row = answers.first?.first ?? []
    let value = question.value(row.first ?? .null)
    guard question.time.previous != nil else { return ShapedRows(columns: [.value], rows: [[value]]) }
    let before = question.value(row.count > 1 ? row[1] : .null)
    return ShapedRows(
      columns: [.value, .previousValue, .deltaPercent], rows: [[value, before, Change.percent(value, from: before)]],
      previousRows: [[before]], previousColumns: [.value])
  }
}
