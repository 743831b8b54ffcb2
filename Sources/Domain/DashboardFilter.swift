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
  /// Set where the author gave a value of the session's context: then it is a condition of the whole dashboard and no control.
  public var fixed: SoftFilter?

  public init(id: String, label: String? = nil, control: Control, fixed: SoftFilter? = nil) {
    self.id = id
    self.label = label
    self.control = control
    self.fixed = fixed
  }

  /// The dimension by which the viewer may narrow, for `select` and `multi_select`.
  public var dimension: Dimension? {
    if case .select(let dimension, _) = control, fixed == nil { dimension } else { nil }
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
    var fixed: SoftFilter?
    switch type {
    case "period": control = readPeriod(&reader)
    case "select", "multi_select":
      if !reader.has("dimension") { reader.problem("dimension", "missing", "is required for the type \(type ?? "")") }
      let dimension = Dimension.read("dimension", &reader)
      control = dimension.map { .select($0, multiple: type == "multi_select") }
      fixed = readFixed(dimension, multiple: type == "multi_select", &reader)
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
    return DashboardFilter(id: id, label: label, control: control, fixed: fixed)
  }

  /// `value`: references to the session's context.
  private static func readFixed(_ dimension: Dimension?, multiple: Bool, _ reader: inout ObjectReader) -> SoftFilter? {
    let path = reader.path(of: "value")
    guard let value = reader.value("value"), let values = StringList.read(value, path: path, problems: reader.problems) else { return nil }
    guard values.contains(where: ContextReference.isMeant) else {
      reader.problem("value", "context_reference", ContextReference.rule)
      return nil
    }
    guard multiple || values.count == 1 else {
      reader.problem("value", "count", "must hold exactly one value for the type select")
      return nil
    }
    return SoftFilter.read(dimension, multiple ? .isIn : .equal, values: values, path: path, problems: reader.problems)
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
      if let fixed { members["value"] = multiple ? .strings(fixed.values) : .string(fixed.values.first ?? "") }
    case .numericRange(let property):
      members["type"] = "numeric_range"
      members["property"] = .string(property)
    case .dateRange: members["type"] = "date_range"
    }
    return .object(members)
  }
}
