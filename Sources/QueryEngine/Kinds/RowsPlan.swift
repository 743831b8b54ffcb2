internal import ClickHouse
internal import Domain

/// The newest events themselves: their time, and the columns that the viewer may see.
struct RowsPlan: KindPlan {
  let question: Question
  let dimensions: [Dimension]
  let numericProps: [String]
  let limit: Int

  var statements: [Statement] {
    let columns: [SQL] =
      ["toUnixTimestamp64Milli(timestamp)"] + dimensions.map(\.sql) + numericProps.map { PropertyPath.numeric($0).numericExpression }
    // One more than wanted tells whether there are more.
    return [
      Statement(
        .rows,
        """
        SELECT \(SQL.join(columns, separator: ", ")) \(question.source.from([question.time.range])) \
        ORDER BY timestamp DESC LIMIT \(bind: limit + 1)
        """)
    ]
  }

  func shape(_ answers: [[[JSONValue]]]) -> ShapedRows {
    var taken = ResultColumn.reservedNames
    var columns: [ResultColumn] = [.time]
    for name in dimensions.map(\.name) + numericProps {
      let isDimension = columns.count <= dimensions.count
      let column = ResultColumn(
        ResultColumn.freeName(name, taken: taken), isDimension ? .string : .number, isDimension ? .dimension : .measure)
      taken.insert(column.name)
      columns.append(column)
    }
    let found = answers.first ?? []
    let rows = found.prefix(limit).map { row -> [JSONValue] in
      let time = row[0].numberValue.map { Instant(milliseconds: Int64($0)).json } ?? .null
      return [time] + row.dropFirst()
    }
    return ShapedRows(columns: columns, rows: Array(rows), truncated: found.count > limit)
  }
}
