import ClickHouse
import Domain

/// Times with a zone, `'2026-11-01T00:00:00Z'`, as people copy them from answers. ClickHouse compares a column of time only with a text
/// in its own way of writing (25.8; no setting changes it): beside such a column they are written so, in as many bytes as before, so that
/// places in the text stay where they are.
enum AdHocTimes {
  private static let columns: Set<String> = ["timestamp", "ingested_at"]

  static func rewritten(_ text: String) -> String {
    let tokens = SQLTokens.read(text)
    var bytes = Array(text.utf8)
    for (index, token) in tokens.enumerated() where token.kind == .text {
      guard let plain = plain(token.value), isAfterColumn(index, tokens) || isBeforeColumn(index, tokens) else { continue }
      bytes.replaceSubrange(token.range, with: plain)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// `'2026-11-01T02:00:00.5+02:00'` → `'2026-11-01 00:00:00.5'` and blanks; nil for other texts, and for one that is too short for it.
  private static func plain(_ literal: String) -> [UInt8]? {
    let inner = literal.dropFirst().dropLast()
    guard literal.hasPrefix("'"), literal.hasSuffix("'"), 20...40 ~= inner.utf8.count, let time = Instant(iso8601: String(inner)) else {
      return nil
    }
    var shortest = time.iso8601.dropLast().replacing("T", with: " ")
    if shortest.contains(".") { while shortest.last == "0" { shortest.removeLast() } }
    let written = "'" + shortest + "'"
    guard written.utf8.count <= literal.utf8.count else { return nil }
    return Array(written.utf8) + Array(repeating: UInt8(ascii: " "), count: literal.utf8.count - written.utf8.count)
  }

  /// `timestamp >= '…'`, `timestamp NOT BETWEEN '…' AND '…'`, `timestamp IN ('…', '…')`.
  private static func isAfterColumn(_ index: Int, _ tokens: [SQLTokens.Token]) -> Bool {
    func word(_ place: Int) -> String? { place >= 0 && tokens[place].kind == .word ? tokens[place].value.lowercased() : nil }
    func isText(_ place: Int) -> Bool { place >= 0 && tokens[place].kind == .text }
    var place = index - 1
    if isComparison(place, tokens) {
      while isComparison(place, tokens) { place -= 1 }
      return isColumn(endingAt: place, tokens)
    }
    if word(place) == "and", isText(place - 1) { place -= 2 }
    if word(place) == "between" {
      place -= 1
    } else {
      while place >= 0, tokens[place].kind == .sign(UInt8(ascii: ",")), isText(place - 1) { place -= 2 }
      guard place >= 0, tokens[place].kind == .sign(UInt8(ascii: "(")), word(place - 1) == "in" else { return false }
      place -= 2
    }
    return isColumn(endingAt: word(place) == "not" ? place - 1 : place, tokens)
  }

  /// `'…' <= timestamp`, `'…' <= e.timestamp`.
  private static func isBeforeColumn(_ index: Int, _ tokens: [SQLTokens.Token]) -> Bool {
    var place = index + 1
    guard isComparison(place, tokens) else { return false }
    while isComparison(place, tokens) { place += 1 }
    if place + 2 < tokens.count, tokens[place + 1].kind == .sign(UInt8(ascii: ".")) { place += 2 }
    return isColumn(endingAt: place, tokens)
  }

  private static func isComparison(_ place: Int, _ tokens: [SQLTokens.Token]) -> Bool {
    guard tokens.indices.contains(place), case .sign(let sign) = tokens[place].kind else { return false }
    return "<>=!".utf8.contains(sign)
  }

  /// The column itself, or that of a table's alias; not `string_props.timestamp`, which is a property.
  private static func isColumn(endingAt place: Int, _ tokens: [SQLTokens.Token]) -> Bool {
    func isDot(_ place: Int) -> Bool { tokens.indices.contains(place) && tokens[place].kind == .sign(UInt8(ascii: ".")) }
    guard tokens.indices.contains(place), [.word, .quoted].contains(tokens[place].kind), columns.contains(tokens[place].value),
      !isDot(place + 1)
    else { return false }
    guard isDot(place - 1) else { return true }
    return place >= 2 && !isDot(place - 3) && PropertyPath.Column(rawValue: tokens[place - 2].value) == nil
  }
}
