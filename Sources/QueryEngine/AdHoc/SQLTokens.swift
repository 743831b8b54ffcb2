import Domain

/// Cuts ClickHouse SQL into words, texts and signs, as the server's own lexer does
/// (https://github.com/ClickHouse/ClickHouse/blob/25.8/src/Parsers/Lexer.cpp).
struct SQLTokens {
  enum Kind: Hashable {
    /// A name or keyword without quotes, or a number.
    case word
    /// A name between backticks, double or typographic quotes.
    case quoted
    case text
    case sign(UInt8)
    /// A text, name or comment without its end.
    case unclosed
    /// A letter or sign beyond ASCII outside of quotes.
    case strange
  }

  struct Token {
    let kind: Kind
    /// Bytes of the text.
    let range: Range<Int>
    /// The name without its quotes, the sign, or the text as it stands.
    let value: String
    /// Whether it is a name with backslashes: what these make of it is the server's to say.
    var isEscaped: Bool { kind == .quoted && value.utf8.contains(UInt8(ascii: "\\")) }
  }

  private let bytes: [UInt8]
  private var place = 0

  /// All tokens, without blanks and comments.
  static func read(_ text: String) -> [Token] {
    var tokens = SQLTokens(bytes: Array(text.utf8))
    var found: [Token] = []
    while let token = tokens.next() {
      found.append(token)
      if token.kind == .unclosed { break }
    }
    return found
  }

  /// The text with blanks in place of comments and of blanks beyond ASCII, in as many bytes: so the server sees the tokens that are seen
  /// here, whatever it takes for a comment.
  static func plain(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var plain = bytes.map { $0 == UInt8(ascii: "\n") ? $0 : UInt8(ascii: " ") }
    for token in read(text) { plain.replaceSubrange(token.range, with: bytes[token.range]) }
    return String(decoding: plain, as: UTF8.self)
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func next() -> Token? {
    while place < bytes.count {
      let start = place
      let byte = bytes[place]
      switch byte {
      case 0x09...0x0D, 0x20:
        place += 1
      case UInt8(ascii: "-") where at(1) == UInt8(ascii: "-"), UInt8(ascii: "/") where at(1) == UInt8(ascii: "/"):
        skipLine()
      case UInt8(ascii: "#") where at(1) == UInt8(ascii: " ") || at(1) == UInt8(ascii: "!"):
        skipLine()
      case UInt8(ascii: "/") where at(1) == UInt8(ascii: "*"):
        if !skipComment() { return token(.unclosed, start) }
      case UInt8(ascii: "'"):
        let isClosed = skipQuotes(byte)
        return token(isClosed ? .text : .unclosed, start)
      case UInt8(ascii: "`"), UInt8(ascii: "\""):
        let isClosed = skipQuotes(byte)
        return token(isClosed ? .quoted : .unclosed, start)
      case UInt8(ascii: "$"):
        guard let isClosed = skipHeredoc() else { return word(start) }
        return token(isClosed ? .text : .unclosed, start)
      case 0x80...0xFF:
        if let blank = blankLength() {
          place += blank
        } else if let kind = skipTypographicQuotes() {
          return token(kind, start)
        } else {
          place += 1
          while place < bytes.count, bytes[place] & 0xC0 == 0x80 { place += 1 }
          return token(.strange, start)
        }
      case _ where Self.isWord(byte):
        return word(start)
      default:
        place += 1
        return token(.sign(byte), start)
      }
    }
    return nil
  }

  private func at(_ offset: Int) -> UInt8? { place + offset < bytes.count ? bytes[place + offset] : nil }

  private func token(_ kind: Kind, _ start: Int) -> Token {
    let range = start..<place
    let quote = bytes[start] < 0x80 ? 1 : 3
    let inner = kind == .quoted ? (start + quote)..<(place - quote) : range
    return Token(kind: kind, range: range, value: String(decoding: bytes[inner], as: UTF8.self))
  }

  private mutating func word(_ start: Int) -> Token {
    while place < bytes.count, Self.isWord(bytes[place]) || bytes[place] == UInt8(ascii: "$") { place += 1 }
    return token(.word, start)
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private mutating func skipLine() {
    while place < bytes.count, bytes[place] != 0x0A { place += 1 }
  }

  /// Comments may stand in comments.
  private mutating func skipComment() -> Bool {
    var depth = 0
    while place < bytes.count {
      if bytes[place] == UInt8(ascii: "/"), at(1) == UInt8(ascii: "*") {
        depth += 1
        place += 2
      } else if bytes[place] == UInt8(ascii: "*"), at(1) == UInt8(ascii: "/") {
        depth -= 1
        place += 2
        if depth == 0 { return true }
      } else {
        place += 1
      }
    }
    return false
  }

  private mutating func skipQuotes(_ quote: UInt8) -> Bool {
    place += 1
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "\\"): place += 2
      case quote:
        place += 1
        // Doubled, it stands for itself.
        guard place < bytes.count, bytes[place] == quote else { return true }
        place += 1
      default: place += 1
      }
    }
    place = bytes.count
    return false
  }

  /// `$tag$ … $tag$`. One without an end ends the reading: otherwise every further tag would be looked for in all of the rest.
  /// - Returns: whether it ends; nil when none begins here.
  private mutating func skipHeredoc() -> Bool? {
    var end = place + 1
    while end < bytes.count, Self.isWord(bytes[end]) { end += 1 }
    guard end < bytes.count, bytes[end] == UInt8(ascii: "$") else { return nil }
    let tag = bytes[place...end]
    var search = end + 1
    while search + tag.count <= bytes.count {
      if bytes[search..<search + tag.count].elementsEqual(tag) {
        place = search + tag.count
        return true
      }
      search += 1
    }
    place = bytes.count
    return false
  }

  /// ‘text’ and “name”.
  private mutating func skipTypographicQuotes() -> Kind? {
    for (open, close, kind) in [("\u{2018}", "\u{2019}", Kind.text), ("\u{201C}", "\u{201D}", Kind.quoted)] where begins(with: open) {
      let end = Array(close.utf8)
      var search = place + open.utf8.count
      while search + end.count <= bytes.count {
        if bytes[search..<search + end.count].elementsEqual(end) {
          place = search + end.count
          return kind
        }
        search += 1
      }
      place = bytes.count
      return .unclosed
    }
    return nil
  }

  /// Blanks beyond ASCII that texts from elsewhere hold.
  private func blankLength() -> Int? {
    for blank in ["\u{00A0}", "\u{2028}", "\u{2029}", "\u{202F}", "\u{205F}", "\u{2060}", "\u{3000}", "\u{FEFF}", "\u{180E}"]
    where begins(with: blank) {
      return blank.utf8.count
    }
    if bytes[place] == 0xE2, at(1) == 0x80, let third = at(2), (0x80...0x8F).contains(third) { return 3 }
    return nil
  }

  private func begins(with text: String) -> Bool {
    let wanted = Array(text.utf8)
    return place + wanted.count <= bytes.count && bytes[place..<place + wanted.count].elementsEqual(wanted)
  }
}

/// A place in a text as editors count: lines and columns from 1, the offset from 0, in UTF-16 code units.
struct TextPosition: Hashable {
  var line = 1
  var column = 1
  var offset = 0

  var json: JSONValue { ["line": .int(line), "column": .int(column), "offset": .int(offset)] }

  /// - Parameter byte: how many bytes of the text come before.
  init(_ text: String, byte: Int) {
    var passed = 0
    for scalar in text.unicodeScalars {
      guard passed < byte else { break }
      passed += UTF8.width(scalar)
      let units = UTF16.width(scalar)
      offset += units
      if scalar == "\n" {
        line += 1
        column = 1
      } else {
        column += units
      }
    }
  }
}
