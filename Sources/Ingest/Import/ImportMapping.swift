import Domain

/// Which columns of a file become which fields of an event.
public struct ImportMapping: Sendable {
  /// A field that is the same in every row, or comes from a column.
  public enum Source: Sendable, Hashable {
    case fixed(String)
    case column(String)
  }

  public var tenant: Source
  public var eventName: Source
  /// Nil: every event gets the time of the import.
  public var timestampColumn: String?
  public var stringColumns: [String]
  public var numericColumns: [String]
  public var userColumn: String?
  public var eventIDColumn: String?
  public var timestamps: ImportTimestamp
  /// Columns of properties are named `string_props.model`, and an empty text is kept: as `emban export` writes CSV.
  private(set) var isOfEvents = false

  public init(
    tenant: Source, eventName: Source, timestampColumn: String? = nil, stringColumns: [String] = [],
    numericColumns: [String] = [], userColumn: String? = nil, eventIDColumn: String? = nil,
    timestamps: ImportTimestamp = ImportTimestamp()
  ) {
    self.tenant = tenant
    self.eventName = eventName
    self.timestampColumn = timestampColumn
    self.stringColumns = stringColumns
    self.numericColumns = numericColumns
    self.userColumn = userColumn
    self.eventIDColumn = eventIDColumn
    self.timestamps = timestamps
  }

  /// The mapping of a table whose columns are the fields of an event, as `emban export` writes it; nil when they are not.
  init?(ofEventColumns names: [String]) {
    var strings: [String] = []
    var numbers: [String] = []
    for name in names {
      // By bytes: to Swift a dot and a combining mark behind it are another character.
      if name.utf8.starts(with: Self.stringPrefix.utf8) {
        strings.append(name)
      } else if name.utf8.starts(with: Self.numericPrefix.utf8) {
        numbers.append(name)
      } else if EventField(rawValue: name) == nil || EventField.properties.contains(name) {
        return nil
      }
    }
    guard EventField.required.allSatisfy(names.contains) else { return nil }
    func column(_ field: EventField) -> String? { names.contains(field.rawValue) ? field.rawValue : nil }
    self.init(
      tenant: .column(EventField.tenant.rawValue), eventName: .column(EventField.name.rawValue), timestampColumn: column(.timestamp),
      stringColumns: strings, numericColumns: numbers, userColumn: column(.user), eventIDColumn: column(.id))
    isOfEvents = true
  }

  private static let stringPrefix = "string_props."
  private static let numericPrefix = "numeric_props."

  /// The columns whose cells are used as texts.
  var textColumns: [String] {
    var columns = stringColumns + [userColumn, eventIDColumn].compactMap(\.self)
    for case .column(let name) in [tenant, eventName] { columns.append(name) }
    return columns
  }

  /// Every column that the mapping names, in the order of the fields.
  public var columns: [String] {
    var columns: [String] = []
    if case .column(let name) = tenant { columns.append(name) }
    if case .column(let name) = eventName { columns.append(name) }
    columns += [timestampColumn, userColumn, eventIDColumn].compactMap(\.self) + stringColumns + numericColumns
    return columns
  }

  /// - Throws: ``ImportError/unknownColumns(_:known:)`` when the mapping names a column that is not among `known`.
  func check(against known: [String]) throws(ImportError) {
    let unknown = columns.filter { !known.containsExactly($0) }
    guard unknown.isEmpty else { throw .unknownColumns(unknown, known: known) }
  }

  /// Makes the event of one row. `value` gives the content of a column, nil where the row has none.
  ///
  /// Empty cells are absent values. A cell that does not fit its field leaves a defect that the validator reports.
  func event(_ value: (String) -> RawValue?) -> RawEvent {
    var event = RawEvent()
    event.tenantID = text(tenant, value)
    event.eventName = text(eventName, value)
    event.userID = userColumn.flatMap(value).flatMap(Self.text)
    event.eventID = eventIDColumn.flatMap(value).flatMap(Self.text)
    if let timestampColumn, let cell = value(timestampColumn) {
      event.timestamp = timestamp(cell)
      if case .string(let text) = event.timestamp {
        event.defect = .unreadable(
          code: .timestampFormat, reason: "column \(timestampColumn) must hold a time, not “\(text.prefix(40))”")
      }
    }
    var strings: [RawProperty] = []
    for column in stringColumns {
      guard let cell = value(column), let text = isOfEvents ? cell : Self.text(cell) else { continue }
      strings.append(RawProperty(name: property(column, Self.stringPrefix), value: text))
    }
    var numbers: [RawProperty] = []
    for column in numericColumns {
      guard let cell = value(column), let number = Self.number(cell) else { continue }
      if case .string(let text) = number {
        event.defect = .unreadable(
          code: .numberFormat, reason: "column \(column) must hold a number, not “\(text.prefix(40))”")
      }
      numbers.append(RawProperty(name: property(column, Self.numericPrefix), value: number))
    }
    event.stringProps = strings.isEmpty ? nil : .members(strings, count: strings.count)
    event.numericProps = numbers.isEmpty ? nil : .members(numbers, count: numbers.count)
    return event
  }

  private func property(_ column: String, _ prefix: String) -> String {
    isOfEvents ? String(decoding: column.utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : column
  }

  private func text(_ source: Source, _ value: (String) -> RawValue?) -> RawValue? {
    switch source {
    case .fixed(let text): .string(text)
    case .column(let name): value(name).flatMap(Self.text)
    }
  }

  private func timestamp(_ cell: RawValue) -> RawValue? {
    switch cell {
    case .string(let text):
      if text.trimmingASCIISpace.isEmpty { nil } else { timestamps.read(text).map(RawValue.instant) ?? cell }
    case .number(let number): timestamps.read(number).map(RawValue.instant) ?? cell
    case .null: nil
    default: cell
    }
  }

  /// The cell as text; numbers and booleans in their JSON form.
  private static func text(_ cell: RawValue) -> RawValue? {
    switch cell {
    case .string(let text): text.isEmpty ? nil : cell
    case .number(let number):
      number == number.rounded() && abs(number) < 1e15 ? .string(String(Int64(number))) : .string(number.description)
    case .bool(let value): .string(value ? "true" : "false")
    case .null: nil
    default: cell
    }
  }

  /// The cell as a number; text that is not one is given back as it is.
  private static func number(_ cell: RawValue) -> RawValue? {
    switch cell {
    case .string(let text):
      let trimmed = text.trimmingASCIISpace
      if trimmed.isEmpty { return nil }
      // `Double` also reads "nan", "inf" and hexadecimal: none of these is a number in a table.
      guard trimmed.utf8.allSatisfy({ UInt8(ascii: "+")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }),
        let number = Double(trimmed)
      else { return cell }
      return .number(number)
    case .bool(let value): return .number(value ? 1 : 0)
    case .null: return nil
    default: return cell
    }
  }
}
