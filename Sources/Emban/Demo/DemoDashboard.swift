import Domain

/// The dashboard that the demo's host product shows to its customers: every widget kind and filter there is.
enum DemoDashboard {
  static let slug = "usage"

  /// The configuration as the API takes it (`POST /v1/dashboards`).
  static let json: JSONValue = [
    "name": "API usage", "slug": .string(slug), "description": "Calls, latency, spend and people, as your customers see them.",
    "layout": ["columns": 12, "row_height": 80], "live": true,
    "filters": [
      ["id": "f_period", "type": "period", "label": "Period", "default": "30d", "options": ["24h", "7d", "30d", "90d"]],
      ["id": "f_region", "type": "select", "dimension": "region", "label": "Region"],
      ["id": "f_model", "type": "multi_select", "dimension": "model", "label": "Model"],
      ["id": "f_latency", "type": "numeric_range", "property": "latency_ms", "label": "Latency (ms)"],
      ["id": "f_dates", "type": "date_range", "label": "Dates"],
    ],
    "theme": [
      "primaryColor": "#4f46e5", "palette": ["#4f46e5", "#0ea5e9", "#10b981", "#f59e0b", "#ef4444", "#8b5cf6", "#14b8a6", "#64748b"],
      "mode": "auto", "poweredBy": true,
    ],
    "widgets": .array(widgets),
  ]

  /// - Throws: never, unless the rules for dashboards have changed.
  static func config() throws(AppError) -> DashboardConfig { try DashboardConfig.read(json) }

  private static let widgets: [JSONValue] = [
    [
      "id": "w_calls", "title": "API calls", "kind": "kpi", "chart": "stat", "position": at(0, 0, 3, 2),
      "query": ["event_name": "api.call", "metric": "count", "compare": "previous_period"], "format": ["style": "number"],
    ],
    [
      "id": "w_spend", "title": "Spend", "kind": "kpi", "chart": "stat", "position": at(3, 0, 3, 2),
      "query": ["event_name": "api.call", "metric": "sum", "numeric_prop": "cost_usd", "compare": "previous_period"],
      "format": ["style": "currency", "unit": "USD", "decimals": 2],
    ],
    [
      "id": "w_latency", "title": "Latency, 95th percentile", "kind": "kpi", "chart": "stat", "position": at(6, 0, 3, 2),
      "query": ["event_name": "api.call", "metric": "p95", "numeric_prop": "latency_ms", "compare": "previous_period"],
      "format": ["style": "duration", "unit": "ms", "decimals": 0], "options": ["good_direction": "down"],
    ],
    [
      "id": "w_people", "title": "Active users", "kind": "kpi", "chart": "stat", "position": at(9, 0, 3, 2),
      "query": ["event_name": "api.call", "metric": "count_unique", "compare": "previous_period"], "format": ["style": "number"],
    ],
    [
      "id": "w_trend", "title": "Calls over time", "kind": "timeseries", "chart": "area", "position": at(0, 2, 8, 4),
      "query": ["event_name": "api.call", "metric": "count", "compare": "previous_period"], "options": ["smooth": true],
    ],
    [
      "id": "w_allowance", "title": "Included calls", "description": "In the chosen period.",
      "kind": "kpi", "chart": "progress", "position": at(8, 2, 4, 2), "query": ["event_name": "api.call", "metric": "count"],
      "format": ["style": "number"], "options": ["target": 60_000, "target_label": "in your plan"],
    ],
    [
      "id": "w_failed", "title": "Failed calls", "kind": "kpi", "chart": "stat", "position": at(8, 4, 4, 2),
      "query": [
        "event_name": "api.call", "metric": "count", "compare": "previous_period",
        "filters": [["dimension": "status", "op": "neq", "values": ["success"]]],
      ], "format": ["style": "number"], "options": ["good_direction": "down"],
    ],
    [
      "id": "w_model_latency", "title": "95th percentile latency by model", "kind": "timeseries", "chart": "line",
      "position": at(0, 6, 7, 4),
      "query": ["event_name": "api.call", "metric": "p95", "numeric_prop": "latency_ms", "group_by": "model"],
      "format": ["style": "duration", "unit": "ms", "decimals": 0], "options": ["show_legend": true],
    ],
    [
      "id": "w_signups", "title": "New sign-ups", "kind": "timeseries", "chart": "bar", "position": at(7, 6, 5, 4),
      "query": ["event_name": "user.signup", "metric": "count", "group_by": "source"],
      "options": ["stacked": true, "show_legend": true],
    ],
    [
      "id": "w_endpoints", "title": "Calls by endpoint", "kind": "breakdown", "chart": "bar", "position": at(0, 10, 5, 3),
      "query": ["event_name": "api.call", "metric": "count", "group_by": "endpoint", "limit": 8],
    ],
    [
      "id": "w_statuses", "title": "Outcomes", "kind": "breakdown", "chart": "list", "position": at(5, 10, 3, 3),
      "query": ["event_name": "api.call", "metric": "count", "group_by": "status", "compare": "previous_period"],
    ],
    [
      "id": "w_top_people", "title": "Most active users", "kind": "breakdown", "chart": "list", "position": at(8, 10, 4, 3),
      "query": ["event_name": "api.call", "metric": "count", "group_by": "user_id", "limit": 6],
    ],
    [
      "id": "w_spend_table", "title": "Spend by model", "kind": "table", "chart": "table", "position": at(0, 13, 7, 3),
      "query": [
        "event_name": "api.call", "metric": "sum", "numeric_prop": "cost_usd", "group_by": "model", "compare": "previous_period",
      ], "format": ["style": "currency", "unit": "USD", "decimals": 2],
    ],
    [
      "id": "w_region_table", "title": "Median latency by region", "kind": "table", "chart": "table", "position": at(7, 13, 5, 3),
      "query": [
        "event_name": "api.call", "metric": "p50", "numeric_prop": "latency_ms", "group_by": "region", "compare": "previous_period",
      ], "format": ["style": "duration", "unit": "ms", "decimals": 0],
    ],
  ]

  private static func at(_ x: Int, _ y: Int, _ w: Int, _ h: Int) -> JSONValue {
    ["x": .int(x), "y": .int(y), "w": .int(w), "h": .int(h)]
  }
}
