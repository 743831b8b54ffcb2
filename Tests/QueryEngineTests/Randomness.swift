/// The same numbers on every run: SplitMix64.
struct Randomness: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func pick<T>(_ values: [T]) -> T { values[Int.random(in: values.indices, using: &self)] }

  mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }
}

/// Text that somebody might send to break out of where it stands. Each holds the mark `zq`, by which it is found again.
let hostileTexts = [
  "zq' OR 1=1 --", "zq\\", "zq\\'", "zq\"; DROP TABLE emban.events; --", "zq`", "zq\\`", "zq``.`x", "zq{p0:String}", "zq) OR (1=1",
  "zq\t\n\r", "zq%27",
  "zq%2E", "zq.zq", "zq$1", "zq/*", "zq#", "zq;", "zq é ü 漢字 🙂", "zq\u{2028}", "zq\u{FEFF}", "zq SETTINGS SQL_emban_tenant='x'", "zq\\N",
  "zq''",
]
