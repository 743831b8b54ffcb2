import Crypto

/// Secrets made of the system's random generator, and what is done with them.
enum Randomness {
  private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

  /// `count` letters and digits of 5.95 random bits each.
  static func base62(_ count: Int) -> String {
    var generator = SystemRandomNumberGenerator()
    return String((0..<count).map { _ in alphabet[Int(generator.next(upperBound: UInt32(alphabet.count)))] })
  }

  /// `value` in letters and digits, filled up with zeros to `width`.
  static func base62(_ value: UInt32, width: Int) -> String {
    var rest = Int(value)
    var characters: [Character] = []
    while characters.count < width {
      characters.append(alphabet[rest % alphabet.count])
      rest /= alphabet.count
    }
    return String(characters.reversed())
  }

  static func bytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }
}

extension Sequence<UInt8> {
  /// Two lower-case hexadecimal digits for each byte.
  var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

extension [UInt8] {
  /// Reads pairs of hexadecimal digits; nil for anything else.
  init?(hexadecimal text: some StringProtocol) {
    let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = digits[index], let low = digits[index + 1] else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    self = bytes
  }
}

extension String {
  /// SHA-256 of the UTF-8 bytes in hexadecimal: the form in which secrets of enough randomness are stored.
  var sha256: String { SHA256.hash(data: Array(utf8)).hexadecimal }
}
