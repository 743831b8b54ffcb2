/// What kind of question a widget's chart answers.
public enum WidgetKind: String, Sendable, Hashable, CaseIterable {
  case kpi, timeseries, breakdown, table, heatmap, text

  /// The charts that can draw this kind; the first is the default.
  public var charts: [Chart] {
    switch self {
    case .kpi: [.stat, .progress, .gauge]
    case .timeseries: [.area, .line, .bar, .stackedBar, .dualAxis, .waterfall]
    case .breakdown: [.bar, .list, .horizontalBar, .donut, .funnel, .treemap, .radar, .scatter]
    case .table: [.table, .pivot]
    case .heatmap: [.heatmap]
    case .text: [.text]
    }
  }
}

public enum Chart: String, Sendable, Hashable, CaseIterable {
  case stat, progress, gauge
  case area, line, bar
  case stackedBar = "stacked_bar"
  case dualAxis = "dual_axis"
  case waterfall
  case list
  case horizontalBar = "horizontal_bar"
  case donut, funnel, treemap, radar, scatter
  case table, pivot, heatmap, text
}

/// Where a widget stands on the 12-column grid, in cells.
public struct GridPosition: Sendable, Hashable {
  public var x, y, w, h: Int

  public init(x: Int, y: Int, w: Int, h: Int) {
    self.x = x
    self.y = y
    self.w = w
    self.h = h
  }

  public static func read(_ value: JSONValue, path: String, problems: Problems) -> GridPosition? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    let x = reader.int("x", in: 0...Limits.gridColumns - 1) ?? 0
    let y = reader.int("y", in: 0...Limits.gridRows) ?? 0
    let w = reader.int("w", in: 1...Limits.gridColumns) ?? 4
    let h = reader.int("h", in: 1...50) ?? 2
    reader.finish()
    if x + w > Limits.gridColumns {
      problems.add("\(path).w", "out_of_range", "x and w together must not exceed \(Limits.gridColumns) columns")
    }
    return GridPosition(x: x, y: y, w: w, h: h)
  }

  public var json: JSONValue { ["x": .int(x), "y": .int(y), "w": .int(w), "h": .int(h)] }
}

/// How a number is written.
public struct ValueFormat: Sendable, Hashable {
  public enum Style: String, Sendable, Hashable, CaseIterable {
    case number, percent, currency, duration, bytes
  }

  public var style: Style
  public var decimals: Int?
  /// `ms`, `s` for durations; an ISO 4217 code for currencies; free text behind plain numbers.
  public var unit: String?

  public init(style: Style, decimals: Int? = nil, unit: String? = nil) {
    self.style = style
    self.decimals = decimals
    self.unit = unit
  }

  public static func read(_ value: JSONValue, path: String, problems: Problems) -> ValueFormat? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    let style = reader.enumeration("style", Style.self) ?? .number
    let decimals = reader.int("decimals", in: 0...10)
    let unit = reader.string("unit", length: 0...20)
    reader.finish()
    return ValueFormat(style: style, decimals: decimals, unit: unit)
  }

  public var json: JSONValue {
    .compact(["style": .string(style.rawValue), "decimals": decimals.map(JSONValue.int), "unit": unit.map(JSONValue.string)])
  }
}

/// One chart of a dashboard with its question.
public struct Widget: Sendable, Hashable {
  public var id: String
  public var title: String
  public var description: String?
  public var kind: WidgetKind
  public var chart: Chart
  public var position: GridPosition
  /// Nil for text only.
  public var query: WidgetQuery?
  public var format: ValueFormat?
  /// Free-form hints for the chart (`target`, `color`, `smooth` …).
  public var options: [String: JSONValue]

  public init(
    id: String, title: String, description: String? = nil, kind: WidgetKind, chart: Chart? = nil, position: GridPosition,
    query: WidgetQuery? = nil, format: ValueFormat? = nil, options: [String: JSONValue] = [:]
  ) {
    self.id = id
    self.title = title
    self.description = description
    self.kind = kind
    self.chart = chart ?? kind.charts[0]
    self.position = position
    self.query = query
    self.format = format
    self.options = options
  }

  public static func read(_ value: JSONValue, path: String, problems: Problems) -> Widget? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    let id = reader.requiredString("id", length: 1...100)
    let title = reader.string("title", length: 0...Limits.nameLength) ?? ""
    let description = reader.string("description")
    if !reader.has("kind") { reader.problem("kind", "missing", "is required") }
    let kind = reader.enumeration("kind", WidgetKind.self)
    let chart = reader.enumeration("chart", Chart.self)
    let position = reader.nested("position", GridPosition.read)
    let format = reader.nested("format", ValueFormat.read)
    let written = reader.nested("query", WidgetQuery.read)
    let query = written?.readingReferences(path: reader.path(of: "query"), problems: problems)
    let options = reader.object("options") ?? [:]
    if let kind, kind != .text, query == nil, !problems.list.contains(where: { $0.field.hasPrefix(reader.path(of: "query")) }) {
      reader.problem("query", "missing", "is required for the kind \(kind.rawValue)")
    }
    if let kind, let chart, !kind.charts.contains(chart) {
      let allowed = kind.charts.map(\.rawValue).joined(separator: ", ")
      reader.problem("chart", "not_applicable", "must be one of \(allowed) for the kind \(kind.rawValue)")
    }
    if let kind, kind == .text, query != nil {
      reader.problem("query", "not_applicable", WidgetQuery.textAsksNothing)
    } else if let kind, let query {
      let drawn = chart ?? kind.charts[0]
      for problem in query.problems(for: kind) + (kind.charts.contains(drawn) ? query.problems(drawnAs: drawn) : []) {
        reader.problem("query.\(problem.field)", problem.code, problem.expected)
      }
    }
    reader.finish()
    guard let id, let kind else { return nil }
    return Widget(
      id: id, title: title, description: description, kind: kind, chart: chart,
      position: position ?? GridPosition(x: 0, y: 0, w: 4, h: 2), query: query, format: format, options: options)
  }

  public var json: JSONValue {
    .compact([
      "id": .string(id), "title": .string(title), "description": description.map(JSONValue.string),
      "kind": .string(kind.rawValue), "chart": .string(chart.rawValue), "position": position.json, "query": query?.json,
      "format": format?.json, "options": .object(options),
    ])
  }
}
