internal import ClickHouse
internal import Domain

// What each kind takes from a scan that it shares, and the rows it makes of it: the same that its own statements answer.

extension KpiPlan: Fusible {
  var groupSets: [GroupSet] {
    [question.time.range, question.time.previous].compactMap(\.self).map { GroupSet(span: $0, measures: [question.measures.first]) }
  }

  func answers(of groups: [[GroupRow]]) -> [[[JSONValue]]] {
    [[groups.map { $0.first?.values.first ?? .null }]]
  }
}

extension TimeseriesPlan: Fusible {
  var groupSets: [GroupSet] {
    // The rest of a series is no sum for every metric: it takes the events themselves.
    guard !question.query.other else { return [] }
    let first = question.measures.first
    let current = dimension == nil ? [first, question.measures.second].compactMap(\.self) : [first]
    var sets = [GroupSet(span: question.time.range, bucket: buckets.key, dimension: dimension, measures: current)]
    if let previous = question.time.previous {
      sets.append(GroupSet(span: previous, bucket: buckets.key, dimension: dimension, measures: [first]))
    }
    // The largest groups are those of the span of the answer as a whole.
    if dimension != nil { sets.append(GroupSet(span: question.time.range, dimension: dimension, measures: [first])) }
    return sets
  }

  var bucketCount: Int { (buckets.buckets(of: question.time.range) ?? []).count }

  func answers(of groups: [[GroupRow]]) -> [[[JSONValue]]] {
    var rows: [[JSONValue]] = []
    let compared = question.time.previous != nil
    guard dimension != nil else {
      rows += groups[0].map { [1, .int($0.bucket)] + $0.values }
      if compared { rows += groups[1].map { [0, .int($0.bucket)] + $0.values } }
      return [rows]
    }
    let ranked = GroupOrder(order: question.query.order).sorted(groups[groups.count - 1])
    let ranks = Dictionary(ranked.prefix(series).enumerated().map { ($1.name, $0 + 1) }, uniquingKeysWith: { first, _ in first })
    for (isCurrent, found) in [(1, groups[0])] + (compared ? [(0, groups[1])] : []) {
      for group in found {
        guard let rank = ranks[group.name] else { continue }
        rows.append([
          .int(isCurrent), .int(group.bucket), group.values[0], .string(group.name.text), .int(rank), .bool(ranked.count > series),
        ])
      }
    }
    return [rows]
  }
}

extension GroupsPlan: Fusible {
  var groupSets: [GroupSet] {
    guard !question.query.other else { return [] }
    let measures = question.measures
    var sets = [
      GroupSet(span: question.time.range, dimension: dimension, measures: [measures.first, measures.second].compactMap(\.self))
    ]
    if let previous = question.time.previous {
      sets.append(GroupSet(span: previous, dimension: dimension, measures: [measures.first]))
    }
    return sets
  }

  func answers(of groups: [[GroupRow]]) -> [[[JSONValue]]] {
    let total: JSONValue =
      question.query.metric.isAdditive ? .number(groups[0].reduce(0) { $0 + ($1.values[0].numberValue ?? 0) }) : .null
    let before = groups.count > 1 ? Dictionary(groups[1].map { ($0.name, $0.values[0]) }, uniquingKeysWith: { first, _ in first }) : [:]
    let rows = GroupOrder(order: question.query.order).sorted(groups[0]).prefix(limit).map { group -> [JSONValue] in
      var row: [JSONValue] = [.string(group.name.text), group.values[0], total, .int(groups[0].count)]
      if question.measures.second != nil { row.append(group.values[1]) }
      if groups.count > 1 { row.append(before[group.name] ?? .null) }
      return row
    }
    return [rows]
  }
}

extension HeatmapPlan: Fusible {
  var groupSets: [GroupSet] {
    let zone = question.time.zone.name
    let key: SQL = "toInt64(toDayOfWeek(timestamp, 0, \(bind: zone)) * 24 + toHour(timestamp, \(bind: zone)))"
    return [GroupSet(span: question.time.range, bucket: key, measures: [question.measures.first])]
  }

  /// With other buckets beside them: every hour.
  var bucketCount: Int { Int(question.time.range.milliseconds / 3_600_000) }

  func answers(of groups: [[GroupRow]]) -> [[[JSONValue]]] {
    // Monday is 1, so that its first hour has the key 24.
    [groups[0].map { [.int($0.bucket / 24), .int($0.bucket % 24), $0.values[0]] }]
  }
}
