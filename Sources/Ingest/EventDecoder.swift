public import Domain
public import NIOCore

/// The first stage: bytes of a request → ``RawEvent``s. It knows JSON and the names of an event's fields, and nothing of what
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

  /// Reads the events of a body.
  ///
  /// - Returns: 1 to ``Limits/eventsPerRequest`` events in the order of the body; what is wrong with a single one is in its
  ///   ``RawEvent/defect``.
  /// - Throws: ``AppError`` 400 `malformed_json` with the byte offset when a JSON body is not JSON; 422 naming `events` when there
  ///   are none or too many, or naming every unknown member beside `events`.
  public func decode(_ body: ByteBuffer, format: Format) throws(AppError) -> [RawEvent] {
    let result: Result<[RawEvent], AppError> = body.withUnsafeReadableBytes { bytes in
      do throws(AppError) {
        return .success(format == .json ? try decodeJSON(bytes) : try decodeLines(bytes))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Reads one event object from a line of text, as the lines of an NDJSON body and of an import file.
  func decodeLine(_ bytes: UnsafeRawBufferPointer) -> RawEvent {
    var cursor = JSONCursor(bytes)
    do throws(JSONSyntaxError) {
      let event = try readEvent(&cursor, depth: 0)
      try cursor.expectEnd()
      return event
    } catch {
      return RawEvent(
        defect: .unreadable(code: .malformedJSON, reason: "is not valid JSON: \(error.reason) (byte \(error.offset) of the line)"))
    }
  }

  private func decodeJSON(_ bytes: UnsafeRawBufferPointer) throws(AppError) -> [RawEvent] {
    var cursor = JSONCursor(bytes)
    let envelope: Envelope
    do throws(JSONSyntaxError) {
      envelope = try readEnvelope(&cursor)
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
    return envelope.events
  }

  private func decodeLines(_ bytes: UnsafeRawBufferPointer) throws(AppError) -> [RawEvent] {
    var events: [RawEvent] = []
    var count = 0
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      start = end + 1
      guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { continue }
      count += 1
      if count <= Limits.eventsPerRequest { events.append(decodeLine(line)) }
    }
    try checkCount(count)
    return events
  }

  private func checkCount(_ count: Int) throws(AppError) {
    guard 1...Limits.eventsPerRequest ~= count else {
      throw .invalid("events", "count", "must hold 1 to \(Limits.eventsPerRequest) events, not \(count)")
    }
  }

  private struct Envelope {
    var events: [RawEvent] = []
    var count = 0
    var hasEvents = false
    var unknown: [String] = []
    var problem: FieldProblem?
  }

  /// Reads the whole body before judging its shape: text that is not JSON is told first.
  private func readEnvelope(_ cursor: inout JSONCursor) throws(JSONSyntaxError) -> Envelope {
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
        try readEvents(&cursor, into: &envelope)
      } else {
        if envelope.unknown.count < Limits.listedRejections { envelope.unknown.append(key) }
        _ = try cursor.readValue(depth: 1)
      }
      guard try cursor.hasNextMember() else { break }
    }
    return envelope
  }

  private func readEvents(_ cursor: inout JSONCursor, into envelope: inout Envelope) throws(JSONSyntaxError) {
    guard cursor.skip(UInt8(ascii: "[")) else {
      let value = try cursor.readValue(depth: 1)
      envelope.problem = FieldProblem(
        field: "events", code: "wrong_type", expected: "must be an array of events, not \(value.typeName)")
      return
    }
    if cursor.skip(UInt8(ascii: "]")) { return }
    repeat {
      envelope.count += 1
      if envelope.count <= Limits.eventsPerRequest {
        envelope.events.append(try readEvent(&cursor, depth: 2))
      } else {
        _ = try cursor.readValue(depth: 2)
      }
    } while try cursor.hasNextElement()
  }

  private func readEvent(_ cursor: inout JSONCursor, depth: Int) throws(JSONSyntaxError) -> RawEvent {
    var event = RawEvent()
    cursor.skipWhitespace()
    guard cursor.skip(UInt8(ascii: "{")) else {
      event.defect = .notAnObject(typeName: try cursor.readValue(depth: depth).typeName)
      return event
    }
    var isFirst = true
    var seen = 0
    while let key = try cursor.nextKey(isFirst: &isFirst) {
      let bit: Int
      switch key {
      case "tenant_id": (bit, event.tenantID) = (1, try cursor.readValue(depth: depth + 1))
      case "event_name": (bit, event.eventName) = (2, try cursor.readValue(depth: depth + 1))
      case "timestamp": (bit, event.timestamp) = (4, try readOptional(&cursor, depth: depth + 1))
      case "event_id": (bit, event.eventID) = (8, try readOptional(&cursor, depth: depth + 1))
      case "user_id": (bit, event.userID) = (16, try readOptional(&cursor, depth: depth + 1))
      case "string_props": (bit, event.stringProps) = (32, try readProperties(&cursor, depth: depth + 1))
      case "numeric_props": (bit, event.numericProps) = (64, try readProperties(&cursor, depth: depth + 1))
      default:
        bit = 0
        if event.defect == nil { event.defect = .unknownField(key) }
        _ = try cursor.readValue(depth: depth + 1)
      }
      if seen & bit != 0, event.defect == nil { event.defect = .duplicateField(key) }
      seen |= bit
      guard try cursor.hasNextMember() else { break }
    }
    return event
  }

  private func readOptional(_ cursor: inout JSONCursor, depth: Int) throws(JSONSyntaxError) -> RawValue? {
    let value = try cursor.readValue(depth: depth)
    return value == .null ? nil : value
  }

  private func readProperties(_ cursor: inout JSONCursor, depth: Int) throws(JSONSyntaxError) -> RawProperties? {
    guard cursor.skip(UInt8(ascii: "{")) else {
      let value = try cursor.readValue(depth: depth)
      return value == .null ? nil : .wrongType(value.typeName)
    }
    var members: [RawProperty] = []
    var count = 0
    var isFirst = true
    while let key = try cursor.nextKey(isFirst: &isFirst) {
      let value = try cursor.readValue(depth: depth + 1)
      count += 1
      if count <= Limits.propertiesPerEvent { members.append(RawProperty(name: key, value: value)) }
      guard try cursor.hasNextMember() else { break }
    }
    return .members(members, count: count)
  }
}
