import Domain
import Ingest
import NIOCore

/// The moment at which the tests take place.
let noon = Instant(iso8601: "2026-04-14T12:00:00Z")!

func decode(_ body: String, _ format: EventDecoder.Format = .json) throws(AppError) -> [RawEvent] {
  try EventDecoder().decode(ByteBuffer(string: body), format: format)
}

func decode(_ bytes: [UInt8]) throws(AppError) -> [RawEvent] {
  try EventDecoder().decode(ByteBuffer(bytes: bytes), format: .json)
}

/// Decodes and validates a request that holds one event, given as its JSON.
func validate(_ event: String) throws -> ValidatedEvents {
  EventValidator().validate(try decode("{\"events\":[\(event)]}"), now: noon)
}

/// The error of an operation that must fail.
func failure(_ operation: () throws -> some Any) -> AppError? {
  do {
    _ = try operation()
    return nil
  } catch {
    return error as? AppError
  }
}
