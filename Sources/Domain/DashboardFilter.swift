/// A control of a dashboard's filter bar.
public struct DashboardFilter: Sendable, Hashable {
  public enum Control: Sendable, Hashable {
    case period(default: Period, options: [Period])
    case select(Dimension, multiple: Bool)
    case numericRange(property: String)
    case dateRange
  }

  public var id: String
  public var label: String?
  public var control: Control

  public init(id: String, label: String? = nil, control: Control) {
    self.id = id
    self.label = label
    self.control = control
  }

  /// The dimension that the filter narrows, for `select` and `multi_select`.
  public var dimension: Dimension? {
    if case .select(let dimension, _) = control { dimension } else { nil }
  }

  private static let types = ["period", "select", "multi_select", "numeric_range", "date_range"]

  public static func read(_ value: JSONValue, path: String, problems: Problems) -> DashboardFilter? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    defer { reader.finish() }
    let id = reader.requiredString("id", length: 1...100)
    let label = reader.string("label", length: 0...Limits.nameLength)
    let type = reader.requiredString("type", length: 1...30)
    let control: Control?
    switch type {
    case "period": control = readPeriod(&reader)
    case "select", "multi_select":
      if !reader.has("dimension") { reader.problem("dimension", "missing", "is required for the type \(type ?? "")") }
      control = Dimension.read("dimension", &reader).map { .select($0, multiple: type == "multi_select") }
    case "numeric_range":
      if !reader.has("property") { reader.problem("property", "missing", "is required for the type numeric_range") }
      control = PropertyName.read("property", &reader).map(Control.numericRange)
    case "date_range": control = .dateRange
    case nil: control = nil
    default:
      reader.problem("type", "unknown_value", "must be one of \(types.joined(separator: ", "))")
      control = nil
    }
    guard let id, let control else { return nil }
    return DashboardFilter(id: id, label: label, control: control)
  }

  private static func readPeriod(_ reader: inout ObjectReader) -> Control? {
    let given = reader.strings("options", count: 1...Period.allCases.count)
    var options = Period.allCases
    if let given {
      options = given.compactMap(Period.init)
      if options.count != given.count {
        let allowed = Period.allCases.map(\.rawValue).joined(separator: ", ")
        reader.problem("options", "unknown_value", "must hold only \(allowed)")
      }
    }
    let initial = reader.enumeration("default", Period.self)
    if let initial, !options.contains(initial) {
      reader.problem("default", "unknown_value", "must be one of the options")
    }
    guard let first = options.first else { return nil }
    return .period(default: initial ?? (options.contains(.month) ? .month : first), options: options)
  }

  public var json: JSONValue {
    var members: [String: JSONValue] = ["id": .string(id)]
    if let label { members["label"] = .string(label) }
    switch control {
    case .period(let initial, let options):
      members["type"] = "period"
      members["default"] = .string(initial.rawValue)
      members["options"] = .strings(options.map(\.rawValue))
    case .select(let dimension, let multiple):
      members["type"] = multiple ? "multi_select" : "select"
      members["dimension"] = .string(dimension.name)
    case .numericRange(let property):
      members["type"] = "numeric_range"
      members["property"] = .string(property)
    case .dateRange: members["type"] = "date_range"
    }
    return .object(members)
  }
}
