import Domain
import Testing

/// References to a session's context: what is one, and what a context makes of it.
@Suite struct SoftFilterTests {
  @Test(arguments: ["{{context.userId}}", "{{ context.userId }}", "{{context.userId }}", "{{  context.userId}}"])
  func aReferenceIsRead(_ text: String) { #expect(ContextReference(text)?.name == "userId") }

  @Test(
    arguments: [
      "", "userId", "{{}}", "{{context}}", "{{context.}}", "{{context.1}}", "{{context.a.b}}", "{{context.a b}}", " {{context.a}}",
      "{{context.a}",
      "{{Context.a}}", "{{context.é}}", "{{context.a\n}}", "{{context.a}}{{context.b}}", "{{{context.a}}}",
    ])
  func everythingElseIsNone(_ text: String) { #expect(ContextReference(text) == nil) }

  private func resolved(_ condition: QueryFilter.StringCondition, _ values: [String], _ context: JSONValue) -> [String]? {
    SoftFilter(.property("owner"), condition, values: values).resolved(by: context).resolved
  }

  @Test func textsAndWholeNumbersAreValues() {
    #expect(resolved(.equal, ["{{context.a}}"], ["a": "ada"]) == ["ada"])
    #expect(resolved(.equal, ["{{context.a}}"], ["a": 42]) == ["42"])
    #expect(resolved(.isIn, ["{{context.a}}", "x"], ["a": ["ada", 7]]) == ["ada", "7", "x"])
  }

  @Test(
    arguments: [
      [:], ["b": "ada"], ["a": ""], ["a": .null], ["a": true], ["a": 1.5], ["a": 1e300], ["a": ["x": "y"]], ["a": []], ["a": ["ada", ""]],
      ["a": ["ada", .null]], ["a": "a\0b"], "ada", ["ada"], .null,
    ] as [JSONValue])
  func everythingElseIsNotResolved(_ context: JSONValue) {
    for condition in QueryFilter.StringCondition.allCases { #expect(resolved(condition, ["{{context.a}}"], context) == nil) }
    #expect(resolved(.isIn, ["x", "{{context.a}}"], context) == nil)
  }

  @Test func oneValueIsExpectedWhereOneIsCompared() {
    for condition in [QueryFilter.StringCondition.equal, .notEqual, .contains] {
      #expect(resolved(condition, ["{{context.a}}"], ["a": ["ada"]]) == nil)
    }
  }

  /// The configuration of a resolved dashboard reads as it was written.
  @Test func valuesDoNotShow() throws {
    let body = try JSONParser.parse(
      #"""
      {"name": "x", "filters": [{"id": "f", "type": "multi_select", "dimension": "owner", "value": ["{{context.a}}"]}],
       "widgets": [{"id": "w", "kind": "kpi", "query": {"filters": [{"dimension": "owner", "values": ["{{context.a}}"]}]}}]}
      """#)
    let config = try DashboardConfig.read(body)
    let resolved = config.resolved(by: ["a": "secret"])
    #expect(config.contextReferences == ["a"])
    #expect(resolved.fixedFilters.map(\.resolved) == [["secret"]])
    #expect(resolved.json == config.json && !resolved.json.serialized().contains("secret"))
    let again = try DashboardConfig.read(config.json)
    #expect(again.filters == config.filters && again.widgets == config.widgets)
  }
}

/// A viewer's layout over what is published.
@Suite struct ViewerLayoutTests {
  private func widget(_ id: String, _ x: Int, _ y: Int, _ w: Int = 4, _ h: Int = 2) -> Widget {
    Widget(id: id, title: id, kind: .text, position: GridPosition(x: x, y: y, w: w, h: h))
  }

  @Test func newWidgetsStandBelowTheOthers() {
    let layout = ViewerLayout(positions: ["a": GridPosition(x: 0, y: 5, w: 12, h: 3), "gone": GridPosition(x: 0, y: 90, w: 1, h: 1)])
    let placed = layout.placed([widget("a", 0, 0), widget("b", 0, 4), widget("c", 4, 6)])
    #expect(
      placed.map(\.position) == [
        GridPosition(x: 0, y: 5, w: 12, h: 3), GridPosition(x: 0, y: 8, w: 4, h: 2), GridPosition(x: 4, y: 10, w: 4, h: 2),
      ])
  }

  @Test func anEmptyLayoutIsThePublishedOne() {
    let widgets = [widget("a", 0, 0), widget("b", 4, 0)]
    #expect(ViewerLayout().placed(widgets) == widgets)
  }

  @Test func whatIsNotShownKeepsItsPlace() {
    let older = ViewerLayout(positions: ["a": GridPosition(x: 1, y: 1, w: 1, h: 1), "hidden": GridPosition(x: 2, y: 2, w: 2, h: 2)])
    let newer = ViewerLayout(positions: ["b": GridPosition(x: 3, y: 3, w: 3, h: 3)])
    #expect(Set(newer.keeping(older, except: ["a", "b"]).positions.keys) == ["b", "hidden"])
  }
}
