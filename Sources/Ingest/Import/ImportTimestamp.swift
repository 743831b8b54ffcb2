public import Domain
public import Foundation

/// Reads the times that exports of other programs hold: ISO 8601 with or without a zone, with `T` or a space, dates alone, and
/// numbers since 1970 in seconds, milliseconds, microseconds or nanoseconds (told apart by their size).
public struct ImportTimestamp: Sendable {
  private let timeZone: TimeZone?

  /// - Parameter timeZone: the zone of times that do not name one; nil is UTC.
  public init(timeZone: TimeZone? = nil) { self.timeZone = timeZone }

  var zoneName: String? { timeZone?.identifier }

  /// The moment that the text means, or nil.
  public func read(_ text: String) -> Instant? {
    let trimmed = text.trimmingASCIISpace
    if let instant = Instant(iso8601: trimmed) { return instant }
    // "2023-11-16 18:17:03.979 UTC" and "… GMT" are ISO but for the name of the zone.
    for suffix in [" UTC", " GMT", " Z"] where trimmed.hasSuffix(suffix) {
      return Instant(iso8601: String(trimmed.dropLast(suffix.count)) + "Z")
    }
    if let local = Instant(iso8601AssumingUTC: trimmed) ?? CivilDate(iso8601: trimmed)?.midnightUTC { return moment(ofLocal: local) }
    return Double(trimmed).flatMap(read)
  }

  /// The moment that a number since 1970 means: below 10^11 seconds (the year 5138), below 10^14 milliseconds, below 10^17
  /// microseconds, else nanoseconds.
  public func read(_ number: Double) -> Instant? {
    guard number.isFinite, abs(number) < 1e20 else { return nil }
    let milliseconds =
      switch abs(number) {
      case ..<1e11: number * 1_000
      case ..<1e14: number
      case ..<1e17: number / 1_000
      default: number / 1_000_000
      }
    return Instant(milliseconds: Int64(milliseconds.rounded(.down)))
  }

  private func moment(ofLocal local: Instant) -> Instant {
    guard let timeZone else { return local }
    // The offset at the moment itself is wanted, but only the local time is known: two steps settle it on either side of a change.
    var moment = local
    for _ in 0..<2 {
      let date = Date(timeIntervalSince1970: Double(moment.milliseconds) / 1_000)
      moment = local.adding(milliseconds: -Int64(timeZone.secondsFromGMT(for: date)) * 1_000)
    }
    return moment
  }
}

extension String {
  /// Without spaces, tabs and line breaks at both ends.
  var trimmingASCIISpace: String {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
    guard first.map(isSpace) == true || last.map(isSpace) == true else { return self }
    var rest = self[...]
    while rest.first.map(isSpace) == true { rest.removeFirst() }
    while rest.last.map(isSpace) == true { rest.removeLast() }
    return String(rest)
  }
}
