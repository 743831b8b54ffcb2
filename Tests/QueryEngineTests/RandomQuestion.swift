import Domain
import QueryEngine

/// A random question out of the whole grammar, full of the given names and values, that nobody refuses.
struct RandomQuestion {
  var query: WidgetQuery
  var kind: WidgetKind

  init(_ random: inout Randomness, properties: [String], texts: [String], numbers: [String]) {
    let dimensions = properties.map { Dimension.property($0) } + [.eventName, .userID]
    let metric = random.pick(Metric.allCases)
    query = WidgetQuery(eventName: random.chance(0.5) ? random.pick(texts) : nil, metric: metric)
    query.numericProp = metric.needsNumericProperty ? random.pick(numbers) : nil
    query.time = .period(random.pick(Period.allCases))
    if random.chance(0.3) {
      let last = day("2026-11-20").adding(days: -Int.random(in: 0...40, using: &random))
      let length = Int.random(in: 0...90, using: &random)
      query.time = .range(DateRange(from: .day(last.adding(days: -length)), to: .day(last)))
    }
    query.order = random.pick(SortOrder.allCases)
    query.filters = (0..<Int.random(in: 0...3, using: &random)).map { _ in
      switch Int.random(in: 0...3, using: &random) {
      case 0: .string(random.pick(dimensions), random.pick([.equal, .notEqual, .contains]), values: [random.pick(texts)])
      case 1: .string(random.pick(dimensions), random.pick([.isIn, .isNotIn]), values: [random.pick(texts), random.pick(texts)])
      case 2: .numeric(random.pick(numbers), random.pick([.atLeast(1.5), .atMost(2e300)]))
      default: .numeric(random.pick(numbers), .between(-1, 1e6))
      }
    }
    kind = random.pick(WidgetKind.allCases.filter { $0 != .text })
    let isPivot = kind == .table && random.chance(0.5)
    if kind == .breakdown || kind == .table || kind == .timeseries && random.chance(0.6) { query.groupBy = random.pick(dimensions) }
    if isPivot { query.groupBy2 = random.pick(dimensions.filter { $0 != query.groupBy }) }
    if kind != .heatmap, !isPivot { query.compare = random.pick([nil, .previousPeriod, .previousYear]) }
    if query.groupBy != nil, !isPivot { query.other = random.chance(0.5) }
    if query.groupBy != nil { query.limit = random.pick([nil, 1, 2, 50]) }
    if kind == .breakdown || kind == .table && !isPivot || kind == .timeseries && query.groupBy == nil, random.chance(0.5) {
      let second = random.pick(Metric.allCases)
      query.secondMetric = second
      query.secondNumericProp = second.needsNumericProperty ? random.pick(numbers) : nil
    }
    if metric.countsUniques || query.secondMetric?.countsUniques == true, random.chance(0.5) { query.uniqueProp = random.pick(properties) }
    if kind == .timeseries, random.chance(0.5) { query.granularity = random.pick([.day, .week, .month]) }
  }
}
