public import Domain
public import NIOCore

/// The first stage: bytes of a request → ``SentEvent``s, one after the other. It knows JSON and the names of an event's fields, and nothing of what
/// their values may be.
public struct EventDecoder: Sendable {
  /// How a body is written.
  public enum Format: Sendable, Hashable {
    /// `{"events": [ … ]}`
    case json
    /// One event per line.
    case ndjson

    /// Chooses by the media type of a `Content-Type` header; parameters are ignored. Absent or empty means JSON.
    ///
    /// - Throws: ``AppError`` 415 for any other type.
    public init(contentType: String?) throws(AppError) {
      let type = (contentType ?? "").prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
      switch type {
      // curl sends the form type unless it is told otherwise; the body tells the truth.
      case "", "application/json", "text/json", "application/x-www-form-urlencoded": self = .json
      case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines": self = .ndjson
      default:
        throw AppError(
          status: 415, code: "unsupported_media_type",
          message: "Send application/json or application/x-ndjson, not \(type.prefix(100)).")
      }
    }
  }

  public init() {}

  /// Reads the events of a body and hands each over as it is read, in the order of the body: 1 to ``Limits/eventsPerRequest``. What is
  /// wrong with a single one is in its ``SentEvent/defect``.
  ///
  /// - Throws: ``AppError`` 400 `malformed_json` with the byte offset when a JSON body is not JSON; 422 naming `events` when there
  ///   are none or too many, or naming every unknown member beside `events`. What was handed over before then does not count.
  func decode(_ body: ByteBuffer, format: Format, _ take: (inout SentEvent) -> Void) throws(AppError) {
    let result: Result<Void, AppError> = body.withUnsafeReadableBytes { bytes in
      do throws(AppError) {
        let arena = TextArena()
        defer { withExtendedLifetime(arena) {} }
        return .success(format == .json ? try decodeJSON(bytes, arena, take) : try decodeLines(bytes, arena, take))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  /// As ``decode(_:format:_:)``, as copies that outlive the body: for whoever wants to look at single events.
  public func decode(_ body: ByteBuffer, format: Format) throws(AppError) -> [RawEvent] {
    var events: [RawEvent] = []
    try decode(body, format: format) { events.append(RawEvent($0)) }
    return events
  }

  /// Reads one event object from a line of text, as the lines of an import file are.
  func decodeLine(_ bytes: UnsafeRawBufferPointer) -> RawEvent {
    var event = SentEvent()
    let arena = TextArena()
    // Texts with escapes lie in it.
    defer { withExtendedLifetime(arena) {} }
    readLine(bytes, arena, into: &event)
    return RawEvent(event)
  }

  private func readLine(_ bytes: UnsafeRawBufferPointer, _ arena: TextArena, into event: inout SentEvent) {
    var cursor = JSONCursor(bytes)
    do throws(JSONSyntaxError) {
      try readEvent(&cursor, arena, into: &event, depth: 0)
      try cursor.expectEnd()
    } catch {
      event.clear()
      event.defect = .unreadable(
        code: .malformedJSON, reason: "is not valid JSON: \(error.reason) (byte \(error.offset) of the line)")
    }
  }

  private func decodeJSON(
    _ bytes: UnsafeRawBufferPointer, _ arena: TextArena, _ take: (inout SentEvent) -> Void
  ) throws(AppError) {
    var cursor = JSONCursor(bytes)
    let envelope: Envelope
    do throws(JSONSyntaxError) {
      envelope = try readEnvelope(&cursor, arena, take)
      try cursor.expectEnd()
    } catch {
      throw .malformedJSON(error)
    }
    if let problem = envelope.problem { throw .invalid([problem]) }
    if !envelope.unknown.isEmpty {
      throw .invalid(
        envelope.unknown.map {
          FieldProblem(
            field: String($0.prefix(100)), code: "unknown_field", expected: "is not a known field; the body takes only events")
        })
    }
    guard envelope.hasEvents else {
      throw .invalid("events", "missing", "is required and must be an array of 1 to \(Limits.eventsPerRequest) events")
    }
    try checkCount(envelope.count)
  }

  private func decodeLines(
    _ bytes: UnsafeRawBufferPointer, _ arena: TextArena, _ take: (inout SentEvent) -> Void
  ) throws(AppError) {
    var event = SentEvent()
    var count = 0
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      start = end + 1
      guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { continue }
      count += 1
      guard count <= Limits.eventsPerRequest else { continue }
      readLine(line, arena, into: &event)
      take(&event)
    }
    try checkCount(count)
  }

  private func checkCount(_ count: Int) throws(AppError) {
    guard 1...Limits.eventsPerRequest ~= count else {
      throw .invalid("events", "count", "must hold 1 to \(Limits.eventsPerRequest) events, not \(count)")
    }
  }

  private struct Envelope {
    var count = 0
    var hasEvents = false
    var unknown: [String] = []
    var problem: FieldProblem?
  }

  /// Reads the whole body before judging its shape: text that is not JSON is told first.
  private func readEnvelope(
    _ cursor: inout JSONCursor, _ arena: TextArena, _ take: (inout SentEvent) -> Void
  ) throws(JSONSyntaxError) -> Envelope {
    var envelope = Envelope()
    guard cursor.skip(UInt8(ascii: "{")) else {
      let value = try cursor.readValue(depth: 0)
      envelope.problem = FieldProblem(
        field: "", code: "wrong_type", expected: "must be an object with the member events, not \(value.typeName)")
      return envelope
    }
    var isFirst = true
    var seen: Set<String> = []
    while true {
      cursor.skipWhitespace()
      let keyOffset = cursor.offset
      guard let key = try cursor.nextKey(isFirst: &isFirst) else { break }
      guard seen.insert(key).inserted else {
        throw JSONSyntaxError(offset: keyOffset, reason: "the same key appears twice in one object")
      }
      if key == "events" {
        envelope.hasEvents = true
        try readEvents(&cursor, arena, into: &envelope, take)
      } else {
        if envelope.unknown.count < Limits.listedRejections { envelope.unknown.append(key) }
        _ = try cursor.readValue(depth: 1)
      }
      guard try cursor.hasNextMember() else { break }
    }
    return envelope
  }

  private func readEvents(
    _ cursor: inout JSONCursor, _ arena: TextArena, into envelope: inout Envelope, _ take: (inout SentEvent) -> Void
  ) throws(JSONSyntaxError) {
    guard cursor.skip(UInt8(ascii: "[")) else {
      let value = try cursor.readValue(depth: 1)
      envelope.problem = FieldProblem(
        field: "events", code: "wrong_type", expected: "must be an array of events, not \(value.typeName)")
      return
    }
    if cursor.skip(UInt8(ascii: "]")) { return }
    var event = SentEvent()
    repeat {
      envelope.count += 1
      if envelope.count <= Limits.eventsPerRequest {
        try readEvent(&cursor, arena, into: &event, depth: 2)
        take(&event)
      } else {
        _ = try cursor.readValue(depth: 2)
      }
    } while try cursor.hasNextElement()
  }

  private func readEvent(
    _ cursor: inout JSONCursor, _ arena: TextArena, into event: inout SentEvent, depth: Int
  ) throws(JSONSyntaxError) {
    event.clear()
    cursor.skipWhitespace()
    guard cursor.skip(UInt8(ascii: "{")) else {
      event.defect = .notAnObject(typeName: try cursor.readValue(depth: depth).typeName)
      return
    }
    var isFirst = true
    var seen: UInt8 = 0
    while let key = try cursor.nextKey(isFirst: &isFirst, arena) {
      let field = Field(key)
      switch field {
      case .tenantID: event.tenantID = try cursor.readSent(depth: depth + 1, arena)
      case .eventName: event.eventName = try cursor.readSent(depth: depth + 1, arena)
      case .timestamp: event.timestamp = try cursor.readSent(depth: depth + 1, arena)
      case .eventID: event.eventID = try cursor.readSent(depth: depth + 1, arena)
      case .userID: event.userID = try cursor.readSent(depth: depth + 1, arena)
      case .stringProps: try readProperties(&cursor, arena, into: &event.stringProps, depth: depth + 1)
      case .numericProps: try readProperties(&cursor, arena, into: &event.numericProps, depth: depth + 1)
      case nil:
        if event.defect == nil { event.defect = .unknownField(key.string) }
        _ = try cursor.readValue(depth: depth + 1)
      }
      if let field {
        if seen & field.rawValue != 0, event.defect == nil { event.defect = .duplicateField(key.string) }
        seen |= field.rawValue
      }
      guard try cursor.hasNextMember() else { break }
    }
  }

  /// A field of an event; the raw value is its bit in the set of those that were seen.
  private enum Field: UInt8 {
    case tenantID = 1
    case eventName = 2
    case timestamp = 4
    case eventID = 8
    case userID = 16
    case stringProps = 32
    case numericProps = 64

    init?(_ key: ByteText) {
      switch key.count {
      case 7 where key.is("user_id"): self = .userID
      case 8 where key.is("event_id"): self = .eventID
      case 9 where key.is("tenant_id"): self = .tenantID
      case 9 where key.is("timestamp"): self = .timestamp
      case 10 where key.is("event_name"): self = .eventName
      case 12 where key.is("string_props"): self = .stringProps
      case 13 where key.is("numeric_props"): self = .numericProps
      default: return nil
      }
    }
  }

  private func readProperties(
    _ cursor: inout JSONCursor, _ arena: TextArena, into properties: inout SentEvent.Properties, depth: Int
  ) throws(JSONSyntaxError) {
    properties.clear()
    guard cursor.skip(UInt8(ascii: "{")) else {
      let value = try cursor.readValue(depth: depth)
      if value != .null { properties.wrongType = value.typeName }
      return
    }
    var isFirst = true
    while let name = try cursor.nextKey(isFirst: &isFirst, arena) {
      let value = try cursor.readSent(depth: depth + 1, arena)
      properties.count += 1
      if properties.count <= Limits.propertiesPerEvent { properties.members.append(SentEvent.Property(name: name, value: value)) }
      guard try cursor.hasNextMember() else { break }
    }
  }
}
