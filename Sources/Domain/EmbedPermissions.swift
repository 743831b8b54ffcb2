/// What the viewer of an embed session may see and do. Everything here is enforced by the server on every route.
public struct EmbedPermissions: Sendable, Hashable {
  /// Values per dimension that are always ANDed in and that the viewer can neither change nor widen.
  public var lockedFilters: [String: [String]]
  public var hiddenWidgets: [String]
  /// Nil means all.
  public var allowedPeriods: [Period]?
  /// Nil means all.
  public var allowedDimensions: [String]?
  public var allowDrillDown: Bool
  /// 0 means no limit.
  public var maxDateRangeDays: Int
  public var allowExport: Bool
  /// Whether a drill-down may end at the events themselves.
  public var allowUnderlyingData: Bool
  /// Whether the viewer may arrange the widgets and keep that.
  public var allowCustomizeLayout: Bool
  /// Whether the viewer may add widgets of their own.
  public var allowManageWidgets: Bool

  public init(
    lockedFilters: [String: [String]] = [:], hiddenWidgets: [String] = [], allowedPeriods: [Period]? = nil,
    allowedDimensions: [String]? = nil, allowDrillDown: Bool = true, maxDateRangeDays: Int = 0, allowExport: Bool = true,
    allowUnderlyingData: Bool = true, allowCustomizeLayout: Bool = false, allowManageWidgets: Bool = false
  ) {
    self.lockedFilters = lockedFilters
    self.hiddenWidgets = hiddenWidgets
    self.allowedPeriods = allowedPeriods
    self.allowedDimensions = allowedDimensions
    self.allowDrillDown = allowDrillDown
    self.maxDateRangeDays = maxDateRangeDays
    self.allowExport = allowExport
    self.allowUnderlyingData = allowUnderlyingData
    self.allowCustomizeLayout = allowCustomizeLayout
    self.allowManageWidgets = allowManageWidgets
  }

  public static func read(_ value: JSONValue, path: String, problems: Problems) -> EmbedPermissions? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    var permissions = EmbedPermissions()
    for (name, values) in reader.object("locked_filters") ?? [:] {
      let field = "\(reader.path(of: "locked_filters")).\(name.prefix(100))"
      guard PropertyName.isValid(name) else {
        problems.add(field, "property_name", PropertyName.rule)
        continue
      }
      permissions.lockedFilters[name] = StringList.read(values, path: field, problems: problems)
    }
    permissions.hiddenWidgets = reader.strings("hidden_widgets", count: 0...Limits.widgetsPerDashboard, length: 1...100) ?? []
    if let names = reader.strings("allowed_periods", count: 1...Period.allCases.count) {
      permissions.allowedPeriods = names.enumerated().compactMap { index, name in
        if Period(rawValue: name) == nil {
          let allowed = Period.allCases.map(\.rawValue).joined(separator: ", ")
          reader.problem("allowed_periods[\(index)]", "unknown_value", "must be one of \(allowed)")
        }
        return Period(rawValue: name)
      }
    }
    permissions.allowedDimensions = reader.strings(
      "allowed_dimensions", count: 0...Limits.propertiesPerEvent, length: 1...Limits.propertyNameLength)
    permissions.allowDrillDown = reader.bool("allow_drill_down") ?? true
    permissions.maxDateRangeDays = reader.int("max_date_range_days", in: 0...36_500) ?? 0
    permissions.allowExport = reader.bool("allow_export") ?? true
    permissions.allowUnderlyingData = reader.bool("allow_underlying_data") ?? true
    permissions.allowCustomizeLayout = reader.bool("allow_customize_layout") ?? false
    permissions.allowManageWidgets = reader.bool("allow_manage_widgets") ?? false
    reader.finish()
    return permissions
  }

  /// The last three stand in it only where they are not as by default: tokens are compared with what their sessions say, and there are tokens
  /// from before they were invented.
  public var json: JSONValue {
    .compact([
      "locked_filters": .object(lockedFilters.mapValues { JSONValue.strings($0) }),
      "hidden_widgets": .strings(hiddenWidgets),
      "allowed_periods": allowedPeriods.map { .strings($0.map(\.rawValue)) },
      "allowed_dimensions": allowedDimensions.map { JSONValue.strings($0) },
      "allow_drill_down": .bool(allowDrillDown), "max_date_range_days": .int(maxDateRangeDays),
      "allow_export": .bool(allowExport), "allow_underlying_data": allowUnderlyingData ? nil : false,
      "allow_customize_layout": allowCustomizeLayout ? true : nil, "allow_manage_widgets": allowManageWidgets ? true : nil,
    ])
  }

  /// Whether filters, filter values, groups of a drill and the like may use the dimension.
  public func allows(_ dimension: Dimension) -> Bool { allows(dimension.name) }

  /// The same for the name of a dimension or numeric property.
  public func allows(_ name: String) -> Bool { allowedDimensions?.containsExactly(name) ?? true }
}
