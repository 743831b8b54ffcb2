internal import ClickHouse
internal import Domain

/// A table of two dimensions: a value for each pair of the largest values of both, and totals over all events of each row, of each column
/// and of all.
///
/// The largest of both dimensions are found first. The pass that makes the pairs then groups by their places, in which everything else is
/// place 0: so few groups that its memory does not follow the number of values.
struct PivotPlan: KindPlan {
  let question: Question
  let rows: Dimension
  let columns: Dimension
  let limit: Int

  // MARK: Statement

  /// Rows of: value of the first dimension, of the second, measure, which of the two are summed over (2 for the first, 1 for the second),
  /// whether there are more values than shown.
  var statements: [Statement] {
    let source = question.source
    let span = [question.time.range]
    return [
      question.statement(.result) { measures in
        let measure = source.sql(measures.first)
        let direction: SQL = question.query.order == .ascending ? "ASC" : "DESC"
        let largest = { (dimension: Dimension, limit: Int) -> SQL in
          """
          SELECT groupArray(name) FROM (SELECT \(source.sql(dimension)) AS name \(source.from(span)) GROUP BY name \
          ORDER BY \(measure) \(direction) NULLS LAST, name ASC LIMIT \(bind: limit + 1))
          """
        }
        return """
          WITH (\(largest(rows, limit))) AS found_rows, (\(largest(columns, Limits.pivotColumns))) AS found_columns, \
          arraySlice(found_rows, 1, \(bind: limit)) AS top_rows, arraySlice(found_columns, 1, \(bind: Limits.pivotColumns)) AS top_columns \
          SELECT arrayElement(top_rows, row_place) AS row_name, arrayElement(top_columns, column_place) AS column_name, value, summed, \
          length(found_rows) > length(top_rows) OR length(found_columns) > length(top_columns) AS truncated \
          FROM (SELECT \(source.place(of: rows, in: "top_rows")) AS row_place, \
          \(source.place(of: columns, in: "top_columns")) AS column_place, \
          \(measure) AS value, grouping(row_place, column_place) AS summed \(source.from(span)) \
          GROUP BY GROUPING SETS ((row_place, column_place), (row_place), (column_place), ())) \
          WHERE (row_place > 0 OR summed >= 2) AND (column_place > 0 OR summed IN (1, 3)) ORDER BY summed, row_place, column_place
          """
      }
    ]
  }

  // MARK: Shape

  func shape(_ answers: [[[JSONValue]]]) -> ShapedRows {
    let first = ResultColumn.dimension(rows)
    let second = ResultColumn.dimension(columns, taken: ResultColumn.reservedNames.union([first.name]))
    var shaped = ShapedRows(columns: [first, second, .value], rows: [])
    var totals = QueryResult.Totals(rowColumns: [first, .value], columnColumns: [second, .value], value: question.value(.null))
    for row in answers.joined() {
      let value = question.value(row[2])
      switch row[3].numberValue {
      case 0: shaped.rows.append([row[0], row[1], value])
      case 1: totals.rows.append([row[0], value])
      case 2: totals.columns.append([row[1], value])
      default: totals.value = value
      }
      shaped.truncated = row[4] == 1 || row[4] == true
    }
    shaped.totals = totals
    return shaped
  }
}
