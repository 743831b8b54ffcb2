/// Everything about a dashboard that its author writes: what a draft holds and a published version freezes.
public struct DashboardConfig: Sendable, Hashable {
  public var name: String
  public var slug: String?
  public var description: String
  public var rowHeight: Int
  public var filters: [DashboardFilter]
  public var theme: Theme
  public var widgets: [Widget]
  /// IANA name of the zone in which days begin for viewers whose session names none.
  public var timezone: String?
  /// Whether open dashboards hear of new events and refresh by themselves.
  public var live: Bool

  public init(
    name: String, slug: String? = nil, description: String = "", rowHeight: Int = 80, filters: [DashboardFilter] = [],
    theme: Theme = Theme(), widgets: [Widget] = [], timezone: String? = nil, live: Bool = false
  ) {
    self.name = name
    self.slug = slug
    self.description = description
    self.rowHeight = rowHeight
    self.filters = filters
    self.theme = theme
    self.widgets = widgets
    self.timezone = timezone
    self.live = live
  }

  /// Reads the body of a create or replace request.
  /// - Throws: ``AppError`` 422 that names every field which is wrong.
  public static func read(_ value: JSONValue) throws(AppError) -> DashboardConfig {
    let problems = Problems()
    let config = read(value, path: "", problems: problems)
    try problems.throwIfAny()
    guard let config else { throw .invalid("", "wrong_type", "must be a dashboard") }
    return config
  }

  static func read(_ value: JSONValue, path: String, problems: Problems) -> DashboardConfig? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    let name = reader.requiredString("name", length: 1...Limits.nameLength)
    let slug = reader.string("slug", length: 1...Limits.slugLength)
    if let slug, !Slug.isValid(slug) { reader.problem("slug", "slug", Slug.rule) }
    let description = reader.string("description") ?? ""
    let rowHeight = reader.nested("layout", readLayout) ?? 80
    let filters = reader.list("filters", count: 0...Limits.filtersPerDashboard, DashboardFilter.read) ?? []
    let theme = reader.nested("theme", Theme.read) ?? Theme()
    let widgets = reader.list("widgets", count: 0...Limits.widgetsPerDashboard, Widget.read) ?? []
    let timezone = reader.string("timezone", length: 1...100)
    let live = reader.bool("live") ?? false
    unique(widgets.map(\.id), "widgets", reader)
    unique(filters.map(\.id), "filters", reader)
    reader.finish()
    return name.map {
      DashboardConfig(
        name: $0, slug: slug, description: description, rowHeight: rowHeight, filters: filters, theme: theme, widgets: widgets,
        timezone: timezone, live: live)
    }
  }

  private static func readLayout(_ value: JSONValue, path: String, problems: Problems) -> Int? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    _ = reader.int("columns", in: Limits.gridColumns...Limits.gridColumns)
    let height = reader.int("row_height", in: 20...400)
    reader.finish()
    return height
  }

  private static func unique(_ ids: [String], _ key: String, _ reader: ObjectReader) {
    var seen: Set<String> = []
    for (index, id) in ids.enumerated() where !seen.insert(id).inserted {
      reader.problem("\(key)[\(index)].id", "duplicate", "must be unique within the dashboard")
    }
  }

  /// The contract's form of the configuration.
  public var json: JSONValue {
    .compact([
      "name": .string(name), "slug": slug.map(JSONValue.string), "description": .string(description),
      "layout": ["columns": .int(Limits.gridColumns), "row_height": .int(rowHeight)],
      "filters": .array(filters.map(\.json)), "theme": theme.json, "widgets": .array(widgets.map(\.json)),
      "timezone": timezone.map(JSONValue.string), "live": live ? .bool(true) : nil,
    ])
  }

  public func widget(_ id: String) -> Widget? { widgets.first { $0.id == id } }
}

/// The readable name of a dashboard in addresses: lower-case letters, digits and hyphens. It cannot be taken for an id, since
/// ids hold an underscore.
public enum Slug {
  static let rule = "must be lower-case letters, digits and single hyphens, such as usage-overview"

  public static func isValid(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= Limits.slugLength && !text.hasPrefix("-") && !text.hasSuffix("-") && !text.contains("--")
      && text.utf8.allSatisfy {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: "-")
      }
  }

  /// A valid slug made of a name: `API Usage!` → `api-usage`; `dashboard` when nothing of the name can stand.
  public static func make(from name: String) -> String {
    var slug = ""
    for scalar in name.lowercased().unicodeScalars.prefix(60) {
      if ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) {
        slug.unicodeScalars.append(scalar)
      } else if !slug.isEmpty, !slug.hasSuffix("-") {
        slug += "-"
      }
    }
    while slug.hasSuffix("-") { slug.removeLast() }
    return slug.isEmpty ? "dashboard" : slug
  }
}
