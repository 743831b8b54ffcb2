internal import ClickHouse
internal import Domain

/// The properties that the events of a run have, and which of them are rolled up on which day: a value without I/O.
struct Properties: Sendable, Hashable {
  struct Day: Sendable, Hashable {
    let day: CivilDate
    let events: Int
    var dimensions: [ExactText] = []
    var halves: [ExactText] = []
    var omittedDimensions: [ExactText] = []
    var measures: [ExactText] = []
    var omittedMeasures: [ExactText] = []
  }

  var days: [Day] = []
  /// Of all days.
  var measures: [ExactText] = []

  // MARK: Statements

  /// A row of: names of string properties, names of numeric properties, as they are stored.
  static func names(of tenant: TenantKey, in run: Backlog.Run) -> SQL {
    """
    SELECT distinctJSONPaths(string_props), distinctJSONPaths(numeric_props) FROM \(identifier: RollupTable.events) \
    WHERE \(tenant.conditions) AND \(run.conditions)
    """
  }

  /// Rows of: day, events, event names, then for each dimension its values, its values per event name, and the events that have it, and for
  /// each measure the events that have it.
  static func counts(of tenant: TenantKey, in run: Backlog.Run, dimensions: [ExactText], measures: [ExactText]) -> SQL {
    let columns =
      dimensions.map { name -> SQL in
        let value = PropertyPath.string(name.text).stringExpression
        return "[uniq(\(value)), uniq(event_name, \(value)), countIf(\(value) != '')]"
      }
      + measures.map { name -> SQL in "[count(\(PropertyPath.numeric(name.text).numericExpression))]" }
    return """
      SELECT toInt32(toDate32(timestamp)) AS day, count(), uniq(event_name), \(SQL.join(columns + ["[]"], separator: ", ")) \
      FROM \(identifier: RollupTable.events) WHERE \(tenant.conditions) AND \(run.conditions) GROUP BY day ORDER BY day
      """
  }

  // MARK: Choice

  /// - Parameters:
  ///   - dimensions, measures: those that were counted.
  ///   - uncounted: further ones, too many to look at.
  ///   - rows: those of ``counts(of:in:dimensions:measures:)``.
  init(dimensions: [ExactText], measures: [ExactText], uncounted: (dimensions: [ExactText], measures: [ExactText]), rows: [[JSONValue]]) {
    func counts(_ row: [JSONValue], _ column: Int) -> [Int] { (row[3 + column].arrayValue ?? []).map(\.intValue) }
    let totals = measures.indices.map { index in rows.reduce(0) { $0 + (counts($1, dimensions.count + index).first ?? 0) } }
    let chosen = measures.indices.sorted { (totals[$1], measures[$0]) < (totals[$0], measures[$1]) }.prefix(RollupSettings.measures)
    self.measures = chosen.filter { totals[$0] > 0 }.map { measures[$0] }.sorted()
    for row in rows {
      var day = Day(day: CivilDate(daysSinceEpoch: row[0].intValue), events: row[1].intValue)
      func pays(_ rows: Int) -> Bool { rows * RollupSettings.eventsPerRow <= day.events }
      let names = row[2].intValue
      if pays(names) { day.dimensions.append("") }
      if pays(names * RollupSettings.halvesPerDay) { day.halves.append("") }
      let found = dimensions.indices.map { (name: dimensions[$0], counts: counts(row, $0)) }.filter { $0.counts[2] > 0 }
      let sorted = found.sorted { ($0.counts[0], $0.name) < ($1.counts[0], $1.name) }
      for (name, counts) in sorted {
        guard pays(counts[1]), counts[0] <= RollupSettings.valuesPerDay, day.dimensions.count <= RollupSettings.dimensions,
          day.dimensions.first == ""
        else {
          day.omittedDimensions.append(name)
          continue
        }
        day.dimensions.append(name)
        if pays(counts[1] * RollupSettings.halvesPerDay) { day.halves.append(name) }
      }
      day.omittedDimensions += uncounted.dimensions
      for (index, name) in measures.enumerated() where counts(row, dimensions.count + index)[0] > 0 {
        if self.measures.contains(name) { day.measures.append(name) } else { day.omittedMeasures.append(name) }
      }
      day.omittedMeasures += uncounted.measures
      // In one order on all days: days that were rolled up alike are told together.
      day.dimensions.sort()
      day.halves.sort()
      day.omittedDimensions.sort()
      day.omittedMeasures.sort()
      days.append(day)
    }
  }

  /// Those of the stored names that are looked at, and those that are too many.
  static func split(_ stored: [String]) -> (counted: [ExactText], uncounted: [ExactText]) {
    let names = Set(stored.map(PropertyPath.key(stored:)).filter(PropertyPath.isStorable).map { ExactText($0) }).sorted()
    return (Array(names.prefix(counted)), Array(names.dropFirst(counted)))
  }

  private static let counted = 100
}

extension Backlog.Run {
  /// The events of its days.
  var conditions: SQL {
    "timestamp >= \(bind: first.midnightUTC) AND timestamp < \(bind: CivilDate(daysSinceEpoch: last.daysSinceEpoch + 1).midnightUTC)"
  }
}
