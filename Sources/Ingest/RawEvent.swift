public import Domain

/// A value as the sender wrote it, before anything was checked. Arrays and objects carry no content: no field takes them.
public enum RawValue: Sendable, Hashable {
  case null
  case bool(Bool)
  /// May be infinite when the text was beyond the range of a double.
  case number(Double)
  case string(String)
  case array
  case object
  /// A time that an import mapping has already read from its column.
  case instant(Instant)

  /// The name of the type as it is told to people.
  var typeName: String {
    switch self {
    case .null: "null"
    case .bool: "boolean"
    case .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    case .instant: "time"
    }
  }
}

/// `string_props` or `numeric_props` as the sender wrote it.
public enum RawProperties: Sendable, Hashable {
  /// In the order of the text. `count` may exceed `members.count`: what is beyond the limit is counted, not kept.
  case members([RawProperty], count: Int)
  /// Not an object; the name of what it is instead.
  case wrongType(String)

  var memberCount: Int {
    if case .members(let members, _) = self { members.count } else { 0 }
  }
}

/// One property as the sender wrote it.
public struct RawProperty: Sendable, Hashable {
  public var name: String
  public var value: RawValue

  public init(name: String, value: RawValue) {
    self.name = name
    self.value = value
  }
}

/// An event as the sender wrote it: decoded, not yet validated. Nil is "absent"; `null` in an optional field counts as absent.
public struct RawEvent: Sendable, Hashable {
  /// What already went wrong while the event was read.
  public enum Defect: Sendable, Hashable {
    case notAnObject(typeName: String)
    /// A line of NDJSON (or a row of an import) that could not be read at all; `reason` is a sentence for a person.
    case unreadable(code: RejectionCode, reason: String)
    case unknownField(String)
    case duplicateField(String)
  }

  public var defect: Defect?
  public var tenantID: RawValue?
  public var eventName: RawValue?
  public var timestamp: RawValue?
  public var eventID: RawValue?
  public var userID: RawValue?
  public var stringProps: RawProperties?
  public var numericProps: RawProperties?

  public init(defect: Defect? = nil) { self.defect = defect }
}
