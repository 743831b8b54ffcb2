public import Domain

/// The second stage: says of every event whether it is accepted, or why not.
///
/// The checks are ``steps``, in the order in which they run; the first one that objects decides the rejection. Limits are in
/// ``Limits`` and are told in the rejection.
public struct EventValidator: Sendable {
  /// One named check of one field: nil, or what is wrong with it.
  public struct Step: Sendable {
    public let name: String
    let check: Check
  }

  typealias Check = @Sendable (inout SentEvent, Instant) -> Objection?

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

  /// Runs the steps over one event. `now` stands in for a missing timestamp and bounds a given one; `index` is told in the rejection.
  func check(_ event: inout SentEvent, index: Int, now: Instant) -> Refusal? {
    event.time = now
    for step in Self.steps {
      if let objection = step.check(&event, now) { return Refusal(step: step.name, objection, index: index) }
    }
    return nil
  }

  /// Validates one event that was read from elsewhere than a request.
  public func validate(_ raw: RawEvent, index: Int, now: Instant) -> Result<Event, Refusal> {
    let arena = TextArena()
    // The texts of `sent` lie in it.
    defer { withExtendedLifetime(arena) {} }
    var sent = raw.sent(arena)
    if let refusal = check(&sent, index: index, now: now) { return .failure(refusal) }
    let event = Event(sent)
    // An `Event` holds its properties by name as Swift compares names: two spellings of one are one.
    for (field, count, kept) in [
      ("string_props", sent.stringProps.count, event.stringProps.count),
      ("numeric_props", sent.numericProps.count, event.numericProps.count),
    ] where count != kept {
      return .failure(
        Refusal(step: field, Objection(field, .propertyDuplicate, "must have no two properties of the same name"), index: index))
    }
    return .success(event)
  }

  /// Validates several such events.
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

    init(step: String, _ objection: Objection, index: Int) {
      self.step = step
      rejection = Rejection(index: index, field: objection.field, code: objection.code, expected: objection.expected)
    }
  }

  // MARK: Steps

  private static let checkShape: Check = { event, _ in
    switch event.defect {
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

  private static let checkTenantID: Check = { event, _ in
    let codes = TextCodes(.tenantIDMissing, .tenantIDType, .tenantIDLength, .tenantIDCharacters)
    return checkText(event.tenantID, "tenant_id", 1...Limits.tenantIDLength, codes)
  }

  private static let checkEventName: Check = { event, _ in
    let codes = TextCodes(.eventNameMissing, .eventNameType, .eventNameLength, .eventNameCharacters)
    return checkText(event.eventName, "event_name", 1...Limits.eventNameLength, codes)
  }

  private static let checkTimestamp: Check = { event, now in
    let instant: Instant
    switch event.timestamp {
    case .null: return nil
    case .instant(let value): instant = value
    case .text(let text):
      guard let value = Instant(iso8601: text) else {
        return Objection(
          "timestamp", .timestampFormat, "must be an ISO 8601 time with a zone, such as 2026-04-14T10:00:00Z")
      }
      instant = value
    case let value:
      return Objection("timestamp", .timestampType, "must be an ISO 8601 string, not \(value.typeName)")
    }
    guard instant.milliseconds >= 0, instant.milliseconds <= now.milliseconds + Limits.timestampAheadMilliseconds else {
      return Objection(
        "timestamp", .timestampRange,
        "must be between 1970-01-01T00:00:00Z and \(Limits.timestampAheadMilliseconds / 3_600_000) hours ahead of now")
    }
    event.time = instant
    return nil
  }

  private static let checkEventID: Check = { event, _ in
    let codes = TextCodes(nil, .eventIDType, .eventIDLength, .eventIDCharacters)
    return checkText(event.eventID, "event_id", 1...Limits.eventIDLength, codes)
  }

  private static let checkUserID: Check = { event, _ in
    let codes = TextCodes(nil, .userIDType, .userIDLength, .userIDCharacters)
    // An empty user id is what many senders write for "nobody"; it counts as absent.
    return checkText(event.userID, "user_id", 0...Limits.userIDLength, codes)
  }

  private static let checkStringProps: Check = { event, _ in
    checkProperties(event.stringProps, "string_props", .stringPropsType, "strings") { property in
      guard case .text(let text) = property.value else {
        return Objection(
          path("string_props", property.name), .stringPropsType, "must be a string, not \(property.value.typeName)")
      }
      guard text.count <= Limits.propertyValueLength else {
        return Objection(
          path("string_props", property.name), .propertyValueLength,
          "must be at most \(Limits.propertyValueLength) bytes long, not \(text.count)")
      }
      guard !text.bytes.contains(0) else {
        return Objection(path("string_props", property.name), .propertyValueCharacters, "must not contain a NUL character")
      }
      return nil
    }
  }

  private static let checkNumericProps: Check = { event, _ in
    checkProperties(event.numericProps, "numeric_props", .numericPropsType, "finite numbers") { property in
      guard case .number(let number) = property.value else {
        return Objection(
          path("numeric_props", property.name), .numericPropsType, "must be a number, not \(property.value.typeName)")
      }
      guard number.isFinite else {
        return Objection(
          path("numeric_props", property.name), .numericPropsNotFinite, "must be a finite number within the range of a 64-bit float")
      }
      return nil
    }
  }

  private static let checkPropertyCount: Check = { event, _ in
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

  private static func checkText(
    _ value: SentEvent.Value, _ field: String, _ length: ClosedRange<Int>, _ codes: TextCodes
  ) -> Objection? {
    switch value {
    case .text(let text):
      guard length.contains(text.count) else {
        return Objection(
          field, codes.length, "must be \(length.lowerBound) to \(length.upperBound) bytes long, not \(text.count)")
      }
      guard !ControlCharacters.occur(in: text) else {
        return Objection(field, codes.characters, "must not contain control characters")
      }
      return nil
    case .null:
      guard let missing = codes.missing else { return nil }
      return Objection(field, missing, "is required and must be a string")
    case let value: return Objection(field, codes.type, "must be a string, not \(value.typeName)")
    }
  }

  private static func checkProperties(
    _ properties: SentEvent.Properties, _ field: String, _ typeCode: RejectionCode, _ values: String,
    _ checkValue: (SentEvent.Property) -> Objection?
  ) -> Objection? {
    if let typeName = properties.wrongType {
      return Objection(field, typeCode, "must be an object of \(values), not \(typeName)")
    }
    guard properties.count <= Limits.propertiesPerEvent else {
      return Objection(
        field, .tooManyProperties, "must have at most \(Limits.propertiesPerEvent) properties, not \(properties.count)")
    }
    for (position, property) in properties.members.enumerated() {
      if let objection = checkName(property.name, field) ?? checkValue(property) { return objection }
      guard !properties.isRepeated(position) else {
        return Objection(path(field, property.name), .propertyDuplicate, "must appear only once")
      }
    }
    return nil
  }

  private static func checkName(_ name: ByteText, _ field: String) -> Objection? {
    guard 1...Limits.propertyNameLength ~= name.count else {
      return Objection(
        path(field, name), .propertyNameLength,
        "must have a name of 1 to \(Limits.propertyNameLength) bytes, not \(name.count)")
    }
    guard !ControlCharacters.occur(in: name) else {
      return Objection(path(field, name), .propertyNameCharacters, "must have a name without control characters")
    }
    guard PropertyName.isStorable(name) else {
      return Objection(path(field, name), .propertyNameCharacters, "must have a name without %2E that does not begin with ^`")
    }
    return nil
  }

  private static func path(_ field: String, _ name: ByteText) -> String {
    var printable = String.UnicodeScalarView()
    for scalar in name.string.unicodeScalars.prefix(100) {
      printable.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
    }
    return "\(field).\(String(printable))"
  }
}

/// What became of several events.
public struct ValidatedEvents: Sendable {
  public var accepted: [Event] = []
  /// The position of each accepted event.
  public var acceptedIndices: [Int] = []
  /// In the order of the events.
  public var rejections: [Rejection] = []
}

/// Unicode control characters: U+0000…U+001F and U+007F…U+009F.
enum ControlCharacters {
  static func occur(in text: ByteText) -> Bool {
    var previous: UInt8 = 0
    for byte in text.bytes {
      if byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0) { return true }
      previous = byte
    }
    return false
  }
}
