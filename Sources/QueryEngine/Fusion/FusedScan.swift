internal import ClickHouse
internal import Domain

/// One statement that answers several widgets: it reads the events once, makes the finest groups that any of the widgets needs as states of
/// aggregate functions, and joins these to the groups of every set.
///
/// ```sql
/// SELECT set, bucket, name, <values>
/// FROM (SELECT <interval>, <buckets>, <dimensions>, <states> FROM events WHERE … GROUP BY …)
/// ARRAY JOIN [[0, 2], [1, 3]][interval + 1] AS set
/// GROUP BY set, bucket, name
/// ```
///
/// The ends of all spans cut time into intervals; a group of an interval counts for the sets whose spans cover it. Expensive aggregates
/// are joined for those sets alone that want them. `docs/adr/0008-fusion.md` has the measurements behind this form.
struct FusedScan {
  let source: EventRows
  /// The sets of all widgets; of equal groups there is one set with all measures.
  private(set) var sets: [GroupSet] = []
  private(set) var buckets: [SQL] = []
  private(set) var dimensions: [Dimension] = []
  private(set) var measures: [Measure] = []
  /// For each widget, its sets' places in `sets`.
  private var places: [[Int]] = []
  private var wanted: [[GroupSet]] = []

  init(_ source: EventRows) { self.source = source }

  mutating func add(_ part: some Fusible) {
    let own = part.groupSets
    wanted.append(own)
    places.append(
      own.map { set in
        for measure in set.measures where !measures.contains(measure) { measures.append(measure) }
        if let bucket = set.bucket, !buckets.contains(bucket) { buckets.append(bucket) }
        if let dimension = set.dimension, !dimensions.contains(dimension) { dimensions.append(dimension) }
        guard let place = sets.firstIndex(where: { $0.hasGroups(of: set) }) else {
          sets.append(set)
          return sets.count - 1
        }
        for measure in set.measures where !sets[place].measures.contains(measure) { sets[place].measures.append(measure) }
        return place
      })
  }

  /// The spans of all sets, those that touch joined.
  var spans: [TimeRange] {
    var joined: [TimeRange] = []
    for span in Set(sets.map(\.span)).sorted(by: { ($0.from, $0.to) < ($1.from, $1.to) }) where span.from < span.to {
      if let last = joined.last, span.from <= last.to {
        joined[joined.count - 1].to = max(last.to, span.to)
      } else {
        joined.append(span)
      }
    }
    return joined
  }

  // MARK: Statement

  /// Rows of: set, bucket (0 without one), value of the dimension (empty without one), then the measures.
  var statement: Statement {
    let boundaries = Set(sets.flatMap { [$0.span.from, $0.span.to] }).sorted()
    let starts = Array(boundaries.dropLast())
    let covering = starts.map { start in sets.indices.filter { sets[$0].span.from <= start && start < sets[$0].span.to } }

    var keys: [SQL] = []
    var columns: [SQL] = []
    func key(_ expression: SQL, _ name: SQL) {
      columns.append("\(expression) AS \(name)")
      keys.append(name)
    }
    if starts.count > 1 {
      let passed = starts.dropFirst().map { "(timestamp >= \(Conditions.moment($0)))" as SQL }
      key(SQL.join(Array(passed), separator: " + "), "interval_number")
    }
    for (index, bucket) in buckets.enumerated() { key(bucket, "bucket_\(Self.number(index))") }
    for (index, dimension) in dimensions.enumerated() { key(source.sql(dimension), "name_\(Self.number(index))") }
    for (index, measure) in measures.enumerated() { columns.append("\(source.state(measure, where: nil)) AS state_\(Self.number(index))") }
    let grouping: SQL = keys.isEmpty ? .empty : " GROUP BY \(SQL.join(keys, separator: ", "))"

    let lists = SQL.join(covering.map { "[\(Self.list($0))]" as SQL }, separator: ", ")
    let joined: SQL = starts.count > 1 ? "[\(lists)][interval_number + 1]" : lists
    let values = measures.enumerated().map { index, measure -> SQL in
      let takers = sets.indices.filter { sets[$0].measures.contains(measure) }
      let only: SQL? = measure.isExpensive && takers.count < sets.count ? "set IN (\(Self.list(takers)))" : nil
      return "\(measure.merged("state_\(Self.number(index))", where: only)) AS value_\(Self.number(index))"
    }
    let selected: [SQL] =
      ["set", "\(choice(of: buckets, named: "bucket_", by: \.bucket, else: "toInt64(0)")) AS bucket"]
      + ["\(choice(of: dimensions, named: "name_", by: \.dimension, else: "''")) AS name"] + values
    return Statement(
      .result,
      """
      SELECT \(SQL.join(selected, separator: ", ")) FROM (SELECT \(SQL.join(columns, separator: ", ")) \(source.from(spans.reversed()))\
      \(grouping)) ARRAY JOIN \(joined) AS set GROUP BY set, bucket, name
      """)
  }

  /// Which of the keys parts the groups of a row's set.
  private func choice<Key: Hashable>(
    of keys: [Key], named name: SQL, by path: KeyPath<GroupSet, Key?>, else none: SQL
  ) -> SQL {
    var branches: [SQL] = []
    for (index, key) in keys.enumerated() {
      let takers = sets.indices.filter { sets[$0][keyPath: path] == key }
      branches.append("set IN (\(Self.list(takers))), \(name)\(Self.number(index))")
    }
    return branches.isEmpty ? none : "multiIf(\(SQL.join(branches, separator: ", ")), \(none))"
  }

  /// Places of our own lists, which may stand in the text.
  private static func number(_ value: Int) -> SQL { SQL(trusted: String(value)) }
  private static func list(_ values: [Int]) -> SQL { SQL.join(values.map(number), separator: ", ") }

  // MARK: Rows

  /// The groups of each widget's sets, widget by widget in the order in which they were added.
  func groups(of rows: [[JSONValue]]) -> [[[GroupRow]]] {
    var found: [[GroupRow]] = Array(repeating: [], count: sets.count)
    for row in rows {
      guard let set = row[0].numberValue.map({ Int($0) }), sets.indices.contains(set) else { continue }
      found[set].append(
        GroupRow(bucket: row[1].numberValue.map { Int($0) } ?? 0, name: ExactText(row[2].stringValue ?? ""), values: Array(row[3...])))
    }
    return zip(wanted, places).map { own, places in
      zip(own, places).map { set, place -> [GroupRow] in
        let columns = set.measures.compactMap { measures.firstIndex(of: $0) }
        return found[place].map { row in GroupRow(bucket: row.bucket, name: row.name, values: columns.map { row.values[$0] }) }
      }
    }
  }
}

extension Measure {
  /// Whether joining states takes time: percentiles hold every value, exact distinct counts every distinct one.
  var isExpensive: Bool { metric.quantile != nil || metric.countsUniques }

  /// As ``merged(_:)``, over the states of those rows for which a condition holds.
  func merged(_ states: SQL, where condition: SQL?) -> SQL {
    guard let condition else { return merged(states) }
    let (name, level) = function
    return shown("\(name)MergeIf\(level)(\(states), \(condition))")
  }
}
