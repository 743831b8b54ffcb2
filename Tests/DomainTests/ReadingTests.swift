import Domain
import Testing

/// The problems that reading a JSON text gives, as `field code`.
private func problems<T>(_ text: String, _ read: (JSONValue, String, Problems) -> T?) throws -> [String] {
  let problems = Problems()
  _ = read(try JSONParser.parse(text), "", problems)
  return problems.list.map { "\($0.field) \($0.code)" }
}

@Suite struct WidgetQueryReadingTests {
  @Test func readsAllMembersAndWritesThemBack() throws {
    let json = try JSONParser.parse(
      """
      {"event_name": "api.call", "metric": "p95", "numeric_prop": "latency_ms", "group_by": "model", "period": "7d",
       "granularity": "hour", "compare": "previous_year", "limit": 5, "order": "asc",
       "filters": [{"dimension": "status", "op": "neq", "values": ["ok"]}, {"property": "tokens", "op": "between", "values": [1, 2]}]}
      """)
    let problems = Problems()
    let query = try #require(WidgetQuery.read(json, path: "", problems: problems))
    #expect(problems.list.isEmpty)
    #expect(query.json == json)
  }

  @Test(arguments: [
    (#"{"metric": "median"}"#, ["metric unknown_value"]),
    (#"{"metric": "sum"}"#, ["numeric_prop missing"]),
    (#"{"metric": "count", "unique_prop": "x"}"#, ["unique_prop not_applicable"]),
    (#"{"metrics": "count"}"#, ["metrics unknown_field"]),
    (#"{"period": "31d"}"#, ["period unknown_value"]),
    (#"{"period": {"from": "2026-01-02", "to": "2026-01-01"}}"#, ["period.to range_order"]),
    (#"{"limit": 1001}"#, ["limit out_of_range"]), (#"{"limit": 1.5}"#, ["limit out_of_range"]),
    (#"{"limit": "5"}"#, ["limit wrong_type"]),
    (#"{"group_by": {"a": 1}}"#, ["group_by property_name"]), (#"{"group_by": "a\u0000"}"#, ["group_by property_name"]),
    (#"{"group_by": ""}"#, ["group_by property_name"]),
    (#"{"filters": [{"dimension": "a", "op": "eq", "values": ["x", "y"]}]}"#, ["filters[0].values count"]),
    (#"{"filters": [{"dimension": "a", "values": [{"x": 1}]}]}"#, ["filters[0].values[0] wrong_type"]),
    (#"{"filters": [{"dimension": "a", "values": []}]}"#, ["filters[0].values count"]),
    (#"{"filters": [{"property": "a", "op": "between", "values": [2, 1]}]}"#, ["filters[0].values count"]),
    (#"{"filters": [{"op": "eq"}]}"#, ["filters[0] missing", "filters[0].op unknown_field"]),
    (#"{"second_metric": "sum"}"#, ["second_numeric_prop missing"]),
    ("[]", [" wrong_type"]),
  ])
  func namesWhatIsWrong(text: String, expected: [String]) throws {
    #expect(try problems(text, WidgetQuery.read) == expected)
  }
}

@Suite struct DashboardReadingTests {
  static let text = """
    {"name": "Usage", "slug": "usage", "description": "", "layout": {"columns": 12, "row_height": 80},
     "filters": [{"id": "f_period", "type": "period", "default": "30d", "options": ["24h", "7d", "30d", "90d"]},
                 {"id": "f_model", "type": "multi_select", "dimension": "model", "label": "Model"},
                 {"id": "f_lat", "type": "numeric_range", "property": "latency_ms"}, {"id": "f_dates", "type": "date_range"}],
     "theme": {"primaryColor": "#0f9d58", "mode": "auto", "palette": ["#111", "rgb(1, 2, 3)"], "poweredBy": true},
     "widgets": [{"id": "w_calls", "title": "Calls", "kind": "kpi", "chart": "stat", "position": {"x": 0, "y": 0, "w": 3, "h": 2},
                  "query": {"event_name": "api.call", "metric": "count", "period": "30d", "compare": "previous_period"},
                  "format": {"style": "number", "decimals": 0, "unit": "ms"}, "options": {}}]}
    """

  @Test func contractExampleReadsAndWritesBack() throws {
    let json = try JSONParser.parse(Self.text)
    #expect(try DashboardConfig.read(json).json == json)
  }

  @Test(arguments: [
    (#"{"widgets": []}"#, "name missing"),
    (#"{"name": "x", "slug": "Über"}"#, "slug slug"),
    (#"{"name": "x", "theme": {"primaryColor": "red;} body{"}}"#, "theme.primaryColor color"),
    (#"{"name": "x", "theme": {"primaryColor": "url(https://x)"}}"#, "theme.primaryColor color"),
    (#"{"name": "x", "theme": {"logoUrl": "javascript:alert(1)"}}"#, "theme.logoUrl url"),
    (#"{"name": "x", "theme": {"fontFamily": "a;b"}}"#, "theme.fontFamily font_family"),
    (#"{"name": "x", "theme": {"primaryColour": "red"}}"#, "theme.primaryColour unknown_field"),
    (#"{"name": "x", "widgets": [{"id": "a", "kind": "kpi", "chart": "area", "query": {}}]}"#, "widgets[0].chart not_applicable"),
    (#"{"name": "x", "widgets": [{"id": "a", "kind": "kpi"}]}"#, "widgets[0].query missing"),
    (#"{"name": "x", "widgets": [{"id": "a", "kind": "breakdown", "query": {}}]}"#, "widgets[0].query.group_by missing"),
    (
      #"{"name": "x", "widgets": [{"id": "a", "kind": "kpi", "query": {}}, {"id": "a", "kind": "kpi", "query": {}}]}"#,
      "widgets[1].id duplicate"
    ),
    (
      #"{"name": "x", "widgets": [{"id": "a", "kind": "kpi", "query": {}, "position": {"x": 10, "w": 4}}]}"#,
      "widgets[0].position.w out_of_range"
    ),
    (#"{"name": "x", "filters": [{"id": "f", "type": "select"}]}"#, "filters[0].dimension missing"),
    (
      #"{"name": "x", "filters": [{"id": "f", "type": "period", "options": ["7d"], "default": "30d"}]}"#, "filters[0].default unknown_value"
    ),
  ])
  func namesWhatIsWrong(text: String, expected: String) throws {
    let json = try JSONParser.parse(text)
    #expect {
      try DashboardConfig.read(json)
    } throws: { error in
      guard let error = error as? AppError else { return false }
      return error.status == 422 && error.details.map { "\($0.field) \($0.code)" } == [expected]
    }
  }

  @Test(arguments: [("API Usage!", "api-usage"), ("  ", "dashboard"), ("Über 3", "ber-3"), ("a--b", "a-b")])
  func slugsAreMadeOfNames(name: String, slug: String) {
    #expect(Slug.make(from: name) == slug)
    #expect(Slug.isValid(Slug.make(from: name)))
  }
}

@Suite struct PermissionsReadingTests {
  @Test func defaultsAllowEverything() throws {
    let permissions = EmbedPermissions.read([:], path: "", problems: Problems())
    #expect(permissions == EmbedPermissions())
  }

  /// A misspelt permission must never be ignored: the session would be wider than its author believes.
  @Test(arguments: [
    (#"{"locked_filter": {}}"#, ["locked_filter unknown_field"]),
    (#"{"locked_filters": {"model": []}}"#, ["locked_filters.model count"]),
    (#"{"locked_filters": {"model": [["x"]]}}"#, ["locked_filters.model[0] wrong_type"]),
    (#"{"locked_filters": {"model": {"op": "neq"}}}"#, ["locked_filters.model wrong_type"]),
    (#"{"allowed_periods": ["1y"]}"#, ["allowed_periods[0] unknown_value"]),
    (#"{"allowed_periods": []}"#, ["allowed_periods count"]),
    (#"{"max_date_range_days": -1}"#, ["max_date_range_days out_of_range"]),
    (#"{"allow_export": "no"}"#, ["allow_export wrong_type"]),
  ])
  func namesWhatIsWrong(text: String, expected: [String]) throws {
    #expect(try problems(text, EmbedPermissions.read) == expected)
  }
}

@Suite struct ViewStateReadingTests {
  @Test func takesOneStringForAListAndIgnoresClearedFilters() throws {
    let json = try JSONParser.parse(#"{"dimensions": {"model": "gpt-4", "region": []}, "period": "7d"}"#)
    let state = try #require(ViewState.read(json, path: "", problems: Problems()))
    #expect(state == ViewState(period: .week, dimensions: ["model": ["gpt-4"]]))
  }

  @Test(arguments: [
    (#"{"dimensions": {"model": {"$ne": "x"}}}"#, ["dimensions.model wrong_type"]),
    (#"{"dimensions": {"model": [1]}}"#, ["dimensions.model[0] wrong_type"]),
    (#"{"dimensions": ["model"]}"#, ["dimensions wrong_type"]),
    (#"{"tenant_id": "other"}"#, ["tenant_id unknown_field"]),
    (#"{"numericRanges": {"latency_ms": {"min": 5, "max": 1}}}"#, ["numericRanges.latency_ms range_order"]),
    (#"{"dateRanges": {"from": "yesterday", "to": "2026-01-01"}}"#, ["dateRanges.from timestamp_format"]),
  ])
  func namesWhatIsWrong(text: String, expected: [String]) throws {
    #expect(try problems(text, ViewState.read) == expected)
  }
}

@Suite struct OriginTests {
  @Test(arguments: ["https://app.example.com", "http://localhost:3000", "https://*.example.com"])
  func valid(text: String) { #expect(Origin.isValid(text)) }

  @Test(arguments: [
    "*", "app.example.com", "https://a.com/x", "https://a.com; script-src *", "https://", "javascript:alert(1)", "https://a b",
  ])
  func invalid(text: String) { #expect(!Origin.isValid(text)) }

  @Test func listsAllowByExactOriginOrSubdomain() {
    #expect(Origin.isAllowed("https://x.y", by: []))
    #expect(Origin.isAllowed("https://a.example.com", by: ["https://*.example.com"]))
    #expect(!Origin.isAllowed("https://example.com", by: ["https://*.example.com"]))
    #expect(!Origin.isAllowed("https://evilexample.com", by: ["https://*.example.com"]))
    #expect(!Origin.isAllowed("http://a.example.com", by: ["https://*.example.com"]))
    #expect(!Origin.isAllowed("https://a.com.evil", by: ["https://a.com"]))
  }
}
