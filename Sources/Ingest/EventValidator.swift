public import Domain

/// The second stage: raw events → accepted events and rejections.
///
/// The checks are ``steps``, in the order in which they run; the first one that objects decides the rejection. Limits are in
/// ``Limits`` and are told in the rejection.
public struct EventValidator: Sendable {
  /// One named check of one field. It writes the field into the event, or says why not.
  public struct Step: Sendable {
    public let name: String
    let check: @Sendable (RawEvent, inout Event, Instant) -> Objection?
  }

  /// What a step has against an event.
  struct Objection: Error {
    let field: String
    let code: RejectionCode
    let expected: String

    init(_ field: String, _ code: RejectionCode, _ expected: String) {
      self.field = field
      self.code = code
      self.expected = expected
    }
  }

  public static let steps: [Step] = [
    Step(name: "shape", check: checkShape),
    Step(name: "tenant_id", check: checkTenantID),
    Step(name: "event_name", check: checkEventName),
    Step(name: "timestamp", check: checkTimestamp),
    Step(name: "event_id", check: checkEventID),
    Step(name: "user_id", check: checkUserID),
    Step(name: "string_props", check: checkStringProps),
    Step(name: "numeric_props", check: checkNumericProps),
    Step(name: "property_count", check: checkPropertyCount),
  ]

  public init() {}

  /// Validates one event. `now` stands in for a missing timestamp and bounds a given one; `index` is told in the rejection.
  public func validate(_ raw: RawEvent, index: Int, now: Instant) -> Result<Event, Refusal> {
    var event = Event(tenantID: TenantID(""), eventName: "", timestamp: now)
    for step in Self.steps {
      if let objection = step.check(raw, &event, now) {
        return .failure(
          Refusal(
            step: step.name,
            rejection: Rejection(index: index, field: objection.field, code: objection.code, expected: objection.expected)))
      }
    }
    return .success(event)
  }

  /// Validates the events of a request.
  public func validate(_ events: [RawEvent], now: Instant) -> ValidatedEvents {
    var validated = ValidatedEvents()
    validated.accepted.reserveCapacity(events.count)
    validated.acceptedIndices.reserveCapacity(events.count)
    for (index, raw) in events.enumerated() {
      switch validate(raw, index: index, now: now) {
      case .success(let event):
        validated.accepted.append(event)
        validated.acceptedIndices.append(index)
      case .failure(let refusal): validated.rejections.append(refusal.rejection)
      }
    }
    return validated
  }

  /// A rejection and the name of the step that spoke it.
  public struct Refusal: Error, Sendable {
    public let step: String
    public let rejection: Rejection
  }

  // MARK: Steps

  private static let checkShape: @Sendable (RawEvent, inout Event, Instant) -> Objection? = { raw, _, _ in
    switch raw.defect {
    case nil: nil
    case .notAnObject(let typeName): Objection("", .eventType, "must be an object, not \(typeName)")
    case .unreadable(let code, let reason): Objection("", code, reason)
    case .unknownField(let name):
      Objection(
        String(name.prefix(100)), .unknownField,
        "is not a known field; an event takes tenant_id, event_name, timestamp, event_id, user_id, string_props, numeric_props")
    case .duplicateField(let name): Objection(name, .duplicateField, "must appear only once")
    }
  }

  private static let checkTenantID: @Sendable (RawEvent, inout Event, Instant) -> Objection? = { raw, event, _ in
    let codes = TextCodes(.tenantIDMissing, .tenantIDType, .tenantIDLength, .tenantIDCharacters)
    return readText(raw.tenantID, "tenant_id", 1...Limits.tenantIDLength, codes) { event.tenantID = TenantID($0) }
  }

  private static let checkEventName: @Sendable (RawEvent, inout Event, Instant) -> Objection? = { raw, event, _ in
    let codes = TextCodes(.eventNameMissing, .eventNameType, .eventNameLength, .eventNameCharacters)
    return readText(raw.eventName, "event_name", 1...Limits.eventNameLength, codes) { event.eventName = $0 }
  }

  private static let checkTimestamp: @Sendable (RawEvent, inout Event, Instant) -> Objection? = { raw, event, now in
    let instant: Instant
    switch raw.timestamp {
    case nil, .null: return nil
    case .instant(let value): instant = value
    case .string(let text):
      guard let value = Instant(iso8601: text) else {
        return Objection(
          "timestamp", .timestampFormat, "must be an ISO 8601 time with a zone, such as 2026-04-14T10:00:00Z")
      }
      instant = value
    case .some(let value):
      return Objection("timestamp", .timestampType, "must be an ISO 8601 string, not \(value.typeName)")
    }
    guard instant.milliseconds >= 0, instant.milliseconds <= now.milliseconds + Limits.timestampAheadMilliseconds else {
      return Objection(
        "timestamp", .timestampRange,
        "must be between 1970-01-01T00:00:00Z and \(Limits.timestampAheadMilliseconds / 3_600_000) hours ahead of now")
    }
    event.timestamp = instant
    return nil
  }

  private static let checkEventID: @Sendable (RawEvent, inout Event, Instant) -> Objection? = { raw, event, _ in
    guard let value = raw.eventID, value != .null else { return nil }
    let codes = TextCodes(nil, .eventIDType, .eventIDLength, .eventIDCharacters)
    return readText(value, "event_id", 1...Limits.eventIDLength, codes) { event.eventID = $0 }
  }

  private static let checkUserID: @Sendable (RawEvent, inout Event, Instant) -> Objection? = { raw, event, _ in
    guard let value = raw.userID, value != .null else { return nil }
    let codes = TextCodes(nil, .userIDType, .userIDLength, .userIDCharacters)
    // An empty user id is what many senders write for "nobody"; it counts as absent.
    return readText(value, "user_id", 0...Limits.userIDLength, codes) { event.userID = $0.isEmpty ? nil : $0 }
  }

  private static let checkStringProps: @Sendable (RawEvent, inout Event, Instant) -> Objection? = { raw, event, _ in
    event.stringProps.reserveCapacity(raw.stringProps?.memberCount ?? 0)
    return readProperties(raw.stringProps, "string_props", .stringPropsType, "strings") { property in
      guard case .string(let text) = property.value else {
        return Objection(
          path("string_props", property.name), .stringPropsType, "must be a string, not \(property.value.typeName)")
      }
      guard text.utf8.count <= Limits.propertyValueLength else {
        return Objection(
          path("string_props", property.name), .propertyValueLength,
          "must be at most \(Limits.propertyValueLength) bytes long, not \(text.utf8.count)")
      }
      guard !text.utf8.contains(0) else {
        return Objection(path("string_props", property.name), .propertyValueCharacters, "must not contain a NUL character")
      }
      guard event.stringProps.updateValue(text, forKey: property.name) == nil else {
        return Objection(path("string_props", property.name), .propertyDuplicate, "must appear only once")
      }
      return nil
    }
  }

  private static let checkNumericProps: @Sendable (RawEvent, inout Event, Instant) -> Objection? = { raw, event, _ in
    event.numericProps.reserveCapacity(raw.numericProps?.memberCount ?? 0)
    return readProperties(raw.numericProps, "numeric_props", .numericPropsType, "finite numbers") { property in
      guard case .number(let number) = property.value else {
        return Objection(
          path("numeric_props", property.name), .numericPropsType, "must be a number, not \(property.value.typeName)")
      }
      guard number.isFinite else {
        return Objection(
          path("numeric_props", property.name), .numericPropsNotFinite, "must be a finite number within the range of a 64-bit float")
      }
      guard event.numericProps.updateValue(number, forKey: property.name) == nil else {
        return Objection(path("numeric_props", property.name), .propertyDuplicate, "must appear only once")
      }
      return nil
    }
  }

  private static let checkPropertyCount: @Sendable (RawEvent, inout Event, Instant) -> Objection? = { _, event, _ in
    let count = event.stringProps.count + event.numericProps.count
    guard count <= Limits.propertiesPerEvent else {
      return Objection(
        "", .tooManyProperties,
        "must have at most \(Limits.propertiesPerEvent) properties in string_props and numeric_props together, not \(count)")
    }
    return nil
  }

  // MARK: Parts of steps

  private struct TextCodes {
    let missing: RejectionCode?
    let type: RejectionCode
    let length: RejectionCode
    let characters: RejectionCode

    init(_ missing: RejectionCode?, _ type: RejectionCode, _ length: RejectionCode, _ characters: RejectionCode) {
      self.missing = missing
      self.type = type
      self.length = length
      self.characters = characters
    }
  }

  private static func readText(
    _ value: RawValue?, _ field: String, _ length: ClosedRange<Int>, _ codes: TextCodes, _ store: (String) -> Void
  ) -> Objection? {
    switch value {
    case .string(let text):
      guard length.contains(text.utf8.count) else {
        return Objection(
          field, codes.length, "must be \(length.lowerBound) to \(length.upperBound) bytes long, not \(text.utf8.count)")
      }
      guard !ControlCharacters.occur(in: text) else {
        return Objection(field, codes.characters, "must not contain control characters")
      }
      store(text)
      return nil
    case nil, .null:
      guard let missing = codes.missing else { return nil }
      return Objection(field, missing, "is required and must be a string")
    case .some(let value): return Objection(field, codes.type, "must be a string, not \(value.typeName)")
    }
  }

  private static func readProperties(
    _ properties: RawProperties?, _ field: String, _ typeCode: RejectionCode, _ values: String,
    _ read: (RawProperty) -> Objection?
  ) -> Objection? {
    switch properties {
    case nil: return nil
    case .wrongType(let typeName): return Objection(field, typeCode, "must be an object of \(values), not \(typeName)")
    case .members(let members, let count):
      guard count <= Limits.propertiesPerEvent else {
        return Objection(
          field, .tooManyProperties, "must have at most \(Limits.propertiesPerEvent) properties, not \(count)")
      }
      for property in members {
        if let objection = checkName(property.name, field) ?? read(property) { return objection }
      }
      return nil
    }
  }

  private static func checkName(_ name: String, _ field: String) -> Objection? {
    guard 1...Limits.propertyNameLength ~= name.utf8.count else {
      return Objection(
        path(field, name), .propertyNameLength,
        "must have a name of 1 to \(Limits.propertyNameLength) bytes, not \(name.utf8.count)")
    }
    guard !ControlCharacters.occur(in: name) else {
      return Objection(path(field, name), .propertyNameCharacters, "must have a name without control characters")
    }
    guard PropertyName.isStorable(name) else {
      return Objection(path(field, name), .propertyNameCharacters, "must have a name without %2E that does not begin with ^`")
    }
    return nil
  }

  private static func path(_ field: String, _ name: String) -> String {
    var printable = String.UnicodeScalarView()
    for scalar in name.unicodeScalars.prefix(100) {
      printable.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
    }
    return "\(field).\(String(printable))"
  }
}

/// What became of the events of one request.
public struct ValidatedEvents: Sendable {
  public var accepted: [Event] = []
  /// The position in the request of each accepted event.
  public var acceptedIndices: [Int] = []
  /// In the order of the request.
  public var rejections: [Rejection] = []
}

/// Unicode control characters: U+0000…U+001F and U+007F…U+009F.
enum ControlCharacters {
  static func occur(in text: String) -> Bool {
    var previous: UInt8 = 0
    for byte in text.utf8 {
      if byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0) { return true }
      previous = byte
    }
    return false
  }
}
