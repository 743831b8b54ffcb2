import Foundation

/// Times as the API writes them: ISO 8601, UTC, with milliseconds where there are any.
enum EmbanTime {
  static func text(_ date: Date) -> String { date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)) }

  static func date(_ text: String) -> Date? {
    (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text))
      ?? (try? Date.ISO8601FormatStyle(includingFractionalSeconds: false).parse(text))
  }
}

extension KeyedDecodingContainer {
  func date(_ key: Key) throws -> Date {
    let text = try decode(String.self, forKey: key)
    guard let date = EmbanTime.date(text) else {
      throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "\(text.prefix(50)) is not ISO 8601")
    }
    return date
  }

  func dateIfPresent(_ key: Key) throws -> Date? { try contains(key) && !decodeNil(forKey: key) ? date(key) : nil }
}
