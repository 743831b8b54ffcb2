import Domain
import Testing

/// What goes with which kind of widget: the table in `docs/queries.md`, member by member.
@Suite struct KindRulesTests {
  private static let base: [(WidgetKind, WidgetQuery)] = [
    (.kpi, WidgetQuery()), (.timeseries, WidgetQuery()), (.timeseries, WidgetQuery(groupBy: .eventName)),
    (.breakdown, WidgetQuery(groupBy: .eventName)), (.table, WidgetQuery(groupBy: .eventName)),
    (.table, WidgetQuery(groupBy: .eventName, groupBy2: .userID)), (.heatmap, WidgetQuery()),
  ]

  /// Per row of `base`, whether each of: second_metric, compare, other, granularity, limit, group_by_2.
  private static let allowed: [[Bool]] = [
    [false, true, false, true, true, false], [true, true, false, true, true, false], [false, true, true, true, true, false],
    [true, true, true, true, true, false], [true, true, true, true, true, true], [false, false, false, true, true, true],
    [false, false, false, false, false, false],
  ]

  @Test func everyCombinationIsDecided() {
    let changes: [(String, (inout WidgetQuery) -> Void)] = [
      ("second_metric", { $0.secondMetric = .count }), ("compare", { $0.compare = .previousYear }), ("other", { $0.other = true }),
      ("granularity", { $0.granularity = .day }), ("limit", { $0.limit = 5 }), ("group_by_2", { $0.groupBy2 = .userID }),
    ]
    for ((kind, query), allowed) in zip(Self.base, Self.allowed) {
      #expect(query.problems(for: kind).isEmpty)
      for ((field, change), isAllowed) in zip(changes, allowed) {
        var changed = query
        change(&changed)
        let problems = changed.problems(for: kind)
        #expect(problems.isEmpty == isAllowed, "\(kind) \(field) \(problems)")
        if !isAllowed { #expect(problems.map(\.field) == [field] && problems[0].code == "not_applicable", "\(kind) \(problems)") }
      }
    }
    #expect(WidgetQuery(groupBy: .userID, groupBy2: .userID).problems(for: .table).map(\.field) == ["group_by_2"])
    #expect(WidgetQuery(groupBy2: .userID).problems(for: .table).map(\.field) == ["group_by"])
    #expect(WidgetQuery(groupBy: .userID, limit: 51).problems(for: .timeseries).map(\.code) == ["out_of_range"])
    #expect(WidgetQuery().problems(for: .text).map(\.field) == ["kind"])
  }

  private func problems(_ widget: String) throws -> [FieldProblem] {
    let problems = Problems()
    _ = Widget.read(try JSONParser.parse(widget), path: "widgets[0]", problems: problems)
    return problems.list
  }

  @Test(arguments: [
    (#"{"kind": "timeseries", "chart": "dual_axis", "query": {}}"#, "query.second_metric", "missing"),
    (#"{"kind": "breakdown", "chart": "scatter", "query": {"group_by": "a"}}"#, "query.second_metric", "missing"),
    (#"{"kind": "table", "chart": "pivot", "query": {"group_by": "a"}}"#, "query.group_by_2", "missing"),
    (#"{"kind": "text", "query": {}}"#, "query", "not_applicable"),
    (#"{"kind": "heatmap", "query": {"group_by": "a"}}"#, "query.group_by", "not_applicable"),
    (#"{"kind": "kpi", "query": {"other": true}}"#, "query.other", "not_applicable"),
    (#"{"kind": "kpi", "query": {"other": "yes"}}"#, "query.other", "wrong_type"),
    (#"{"kind": "timeseries", "query": {"second_metric": "sum"}}"#, "query.second_numeric_prop", "missing"),
    (#"{"kind": "timeseries", "query": {"second_numeric_prop": "x"}}"#, "query.second_numeric_prop", "not_applicable"),
    (#"{"kind": "timeseries", "query": {"unique_prop": "x", "second_metric": "count"}}"#, "query.unique_prop", "not_applicable"),
  ])
  func savingNamesWhatIsWrong(widget: String, field: String, code: String) throws {
    let body = widget.replacing(#"{"kind""#, with: #"{"id": "w", "kind""#, maxReplacements: 1)
    #expect(try problems(body).map { "\($0.field) \($0.code)" } == ["widgets[0].\(field) \(code)"])
  }

  @Test(arguments: [
    #"{"id": "w", "kind": "timeseries", "chart": "dual_axis", "query": {"second_metric": "count_unique", "unique_prop": "plan"}}"#,
    #"{"id": "w", "kind": "breakdown", "chart": "scatter", "query": {"group_by": "a", "other": true, "second_metric": "count"}}"#,
    #"{"id": "w", "kind": "table", "chart": "pivot", "query": {"group_by": "a", "group_by_2": "b"}}"#,
    #"{"id": "w", "kind": "heatmap", "query": {"metric": "p95", "numeric_prop": "x"}}"#,
    #"{"id": "w", "kind": "text", "options": {"markdown": "**x**"}}"#,
  ])
  func whatFitsIsKeptAsItIs(widget: String) throws {
    let problems = Problems()
    let read = try #require(Widget.read(try JSONParser.parse(widget), path: "", problems: problems))
    #expect(problems.list.isEmpty)
    #expect(Widget.read(read.json, path: "", problems: problems) == read)
  }
}
