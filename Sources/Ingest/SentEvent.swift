import Domain

/// An event where it stands in the bytes of a request: decoded, not yet validated, and nothing of it copied. Valid only as long as those
/// bytes and the arena of its reader are. What is beyond this moment is a ``RawEvent``.
///
/// One of them is filled again for every event of a request, so that an event costs no allocation.
struct SentEvent {
  /// Absent and `null` are the same. Arrays and objects carry no content: no field takes them.
  enum Value {
    case null
    case bool(Bool)
    /// May be infinite when the text was beyond the range of a double.
    case number(Double)
    case text(ByteText)
    case array
    case object
    /// A time that an import mapping has already read from its column.
    case instant(Instant)

    /// The name of the type as it is told to people.
    var typeName: String { RawValue(self).typeName }

    /// The text that a passed step has found; empty for none.
    var text: ByteText { if case .text(let text) = self { text } else { ByteText(UnsafeBufferPointer(start: nil, count: 0)) } }
  }

  struct Property {
    let name: ByteText
    let value: Value

    var number: Double { if case .number(let number) = value { number } else { .nan } }
  }

  /// `string_props` or `numeric_props`.
  struct Properties {
    /// In the order of the text, at most ``Limits/propertiesPerEvent``.
    var members: [Property] = []
    /// How many there were.
    var count = 0
    /// The name of what stands there instead of an object.
    var wrongType: String?

    mutating func clear() {
      members.removeAll(keepingCapacity: true)
      count = 0
      wrongType = nil
    }

    /// Whether the name of the member at `position` belongs to one before it, too.
    func isRepeated(_ position: Int) -> Bool {
      let name = members[position].name
      return members[..<position].contains { $0.name == name }
    }
  }

  var defect: RawEvent.Defect?
  var tenantID = Value.null
  var eventName = Value.null
  var timestamp = Value.null
  var eventID = Value.null
  var userID = Value.null
  var stringProps = Properties()
  var numericProps = Properties()
  /// When it happened: before its step, the moment at which it is validated.
  var time = Instant(milliseconds: 0)

  mutating func clear() {
    defect = nil
    tenantID = .null
    eventName = .null
    timestamp = .null
    eventID = .null
    userID = .null
    stringProps.clear()
    numericProps.clear()
  }
}

// MARK: Copies

extension RawEvent {
  /// A copy that outlives the bytes.
  init(_ sent: SentEvent) {
    self.init(defect: sent.defect)
    func value(_ value: SentEvent.Value) -> RawValue? { if case .null = value { nil } else { RawValue(value) } }
    tenantID = value(sent.tenantID)
    eventName = value(sent.eventName)
    timestamp = value(sent.timestamp)
    eventID = value(sent.eventID)
    userID = value(sent.userID)
    stringProps = RawProperties(sent.stringProps)
    numericProps = RawProperties(sent.numericProps)
  }

  /// Lays the texts out as those of a request stand, for as long as the arena lives.
  func sent(_ arena: TextArena) -> SentEvent {
    func value(_ value: RawValue?) -> SentEvent.Value { value.map { SentEvent.Value($0, arena) } ?? .null }
    func properties(_ properties: RawProperties?) -> SentEvent.Properties {
      switch properties {
      case nil: SentEvent.Properties()
      case .wrongType(let typeName): SentEvent.Properties(wrongType: typeName)
      case .members(let members, let count):
        SentEvent.Properties(
          members: members.map { SentEvent.Property(name: arena.keep($0.name), value: SentEvent.Value($0.value, arena)) }, count: count)
      }
    }
    return SentEvent(
      defect: defect, tenantID: value(tenantID), eventName: value(eventName), timestamp: value(timestamp), eventID: value(eventID),
      userID: value(userID), stringProps: properties(stringProps), numericProps: properties(numericProps))
  }
}

extension RawValue {
  init(_ sent: SentEvent.Value) {
    switch sent {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .number(let number): self = .number(number)
    case .text(let text): self = .string(text.string)
    case .array: self = .array
    case .object: self = .object
    case .instant(let instant): self = .instant(instant)
    }
  }
}

extension SentEvent.Value {
  init(_ raw: RawValue, _ arena: TextArena) {
    switch raw {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .number(let number): self = .number(number)
    case .string(let text): self = .text(arena.keep(text))
    case .array: self = .array
    case .object: self = .object
    case .instant(let instant): self = .instant(instant)
    }
  }
}

extension RawProperties {
  init?(_ sent: SentEvent.Properties) {
    if let typeName = sent.wrongType {
      self = .wrongType(typeName)
    } else if sent.count == 0 {
      return nil
    } else {
      self = .members(sent.members.map { RawProperty(name: $0.name.string, value: RawValue($0.value)) }, count: sent.count)
    }
  }
}

extension Event {
  /// A copy of an event that has passed every step.
  init(_ sent: SentEvent) {
    func text(_ value: SentEvent.Value) -> String? { value.text.isEmpty ? nil : value.text.string }
    self.init(
      tenantID: TenantID(sent.tenantID.text.string), eventName: sent.eventName.text.string, timestamp: sent.time,
      eventID: text(sent.eventID), userID: text(sent.userID))
    stringProps.reserveCapacity(sent.stringProps.count)
    for property in sent.stringProps.members { stringProps[property.name.string] = property.value.text.string }
    numericProps.reserveCapacity(sent.numericProps.count)
    for property in sent.numericProps.members { numericProps[property.name.string] = property.number }
  }
}
