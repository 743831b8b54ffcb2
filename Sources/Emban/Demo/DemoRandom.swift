import Foundation

/// SplitMix64: small, fast, and the same numbers for the same seed on every machine. https://prng.di.unimi.it/splitmix64.c
struct DemoRandom: RandomNumberGenerator {
  private var state: UInt64

  /// The parts of a seed are mixed one after the other, so that neighbours have nothing in common.
  init(_ parts: UInt64...) {
    state = 0x656D_6261_6E21
    for part in parts {
      state ^= part &* 0xD6E8_FEB8_6659_FD93
      state = next()
    }
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// At least 0, less than 1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// From the standard normal distribution (Box and Muller).
  mutating func normal() -> Double {
    let radius = (-2 * Foundation.log(1 - unit())).squareRoot()
    return radius * Foundation.cos(2 * .pi * unit())
  }

  /// Log-normal: half of the values lie below `median`.
  mutating func logNormal(median: Double, spread: Double) -> Double { median * Foundation.exp(spread * normal()) }

  /// How often something happens that happens `mean` times on average.
  mutating func poisson(_ mean: Double) -> Int {
    guard mean > 0 else { return 0 }
    guard mean < 30 else { return max(0, Int((mean + mean.squareRoot() * normal()).rounded())) }
    let floor = Foundation.exp(-mean)
    var count = 0
    var product = unit()
    while product > floor {
      count += 1
      product *= unit()
    }
    return count
  }

  /// One of the values, each as likely as its weight.
  mutating func pick<Value>(_ choices: [(Value, Double)]) -> Value {
    var rest = unit() * choices.reduce(0) { $0 + $1.1 }
    for (value, weight) in choices {
      rest -= weight
      if rest < 0 { return value }
    }
    return choices[choices.count - 1].0
  }
}
