/// Texts that break naive quoting, and a seeded source of more.
enum HostileText {
  static let samples = [
    "a.b", "..", "a`b", "`", "a\\", "\\", "\\\\", "a\\`b", "it's", "'", "\"", "a b", " ", "tab\there", "line\nbreak", "\r", "ü😀",
    "e\u{301}", "{p0:String}", "%2", "%", "%25", "a%2", "--", "/*", ";", "DROP TABLE emban.events", "`) OR 1=1 --", "[]", "a[]",
    ":String", ".:String", "^a", "^", "a.^b", "null", "NULL", "\\N", "true", "0", "1e5", "size0", "@", "$", "#", "?", "&x=1", "+",
    "(", ")", ",", "\u{0}", "a\u{0}b", "\u{7F}", "\u{200B}", "\u{FEFF}", "\u{202E}", String(repeating: "k", count: 128),
    String(repeating: "ü.", count: 60), String(repeating: "`", count: 40), String(repeating: "\\", count: 41),
  ]

  /// `count` texts built from the characters that matter; the same seed gives the same texts.
  static func random(count: Int, seed: UInt64) -> [String] {
    var generator = SplitMix64(state: seed)
    let alphabet = Array("ab.`\\'\"%2E:^[]{}();,-/ \t\n\rü😀$&=#?@\u{0}")
    return (0..<count).map { _ in
      String((0..<Int.random(in: 1...24, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? "a" })
    }
  }
}

/// A small generator with a seed, so that a failure can be repeated.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
