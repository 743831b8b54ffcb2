public import Crypto

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Why the program's secret key cannot be used; the description is a sentence for whoever starts the program.
public struct SecretKeyError: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String
}

/// The one secret from which all others are derived. It is never printed, and no part of it can be read back.
///
/// It comes from `EMBAN_SECRET_KEY`, or else from `secret.key` in the data directory, which is made on the first start with 256 random
/// bits and mode 0600. A file that others of the machine may read is refused rather than repaired: the key may have been read, and
/// only a person can decide whether to replace it.
public struct SecretKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let material: SymmetricKey

  /// The shortest value taken, in characters.
  public static let minimumLength = 32

  /// - Parameters:
  ///   - value: The value of `EMBAN_SECRET_KEY`; nil when it is not set.
  ///   - dataDirectory: The existing folder that holds `secret.key` when `value` is nil.
  public static func load(value: String?, dataDirectory: String) throws(SecretKeyError) -> SecretKey {
    if let value { return try SecretKey(value, name: "EMBAN_SECRET_KEY") }
    let path = dataDirectory + "/secret.key"
    if let text = try read(path) { return try SecretKey(text, name: path) }
    try make(path)
    guard let text = try read(path) else { throw SecretKeyError(description: "\(path) was made but is not there.") }
    return try SecretKey(text, name: path)
  }

  /// - Parameter name: Where the value comes from, for the sentence that refuses it.
  /// - Throws: ``SecretKeyError`` for a value that is short or known to be weak.
  public init(_ value: String, name: String = "EMBAN_SECRET_KEY") throws(SecretKeyError) {
    if let weakness = Self.weakness(of: value) {
      throw SecretKeyError(
        description: "\(name) \(weakness). Use at least \(Self.minimumLength) random characters, such as the output of "
          + "`openssl rand -hex 32`\(name == "EMBAN_SECRET_KEY" ? ", or leave it unset: a key is then made and kept" : "").")
    }
    material = SymmetricKey(data: Array(value.utf8))
  }

  /// A key for one purpose, derived by HKDF-SHA256. Different `info` give independent keys of 256 bits; the same `info` always gives
  /// the same key.
  public func derive(info: String) -> SymmetricKey {
    HKDF<SHA256>.deriveKey(
      inputKeyMaterial: material, salt: Array("emban.secret-key.v1".utf8), info: Array(info.utf8), outputByteCount: 32)
  }

  /// As ``derive(info:)``, as 64 hexadecimal digits: for systems that want a password.
  public func derivePassword(info: String) -> String {
    derive(info: info).withUnsafeBytes { $0.hexadecimal }
  }

  public var description: String { "[redacted]" }
  public var debugDescription: String { "[redacted]" }
  public var customMirror: Mirror { Mirror(self, children: [:]) }

  // MARK: - Weak values

  private static let weakWords = [
    "changeme", "changethis", "replaceme", "secretkey", "supersecret", "mysecret", "yoursecret", "secretsecret", "password", "passw0rd",
    "insecure", "example", "default", "testkey", "embankey", "123456789", "987654321", "abcdefgh", "qwerty", "letmein", "deadbeef",
  ]

  /// What is wrong with a value, as the end of a sentence; nil when nothing is.
  private static func weakness(of value: String) -> String? {
    if value.isEmpty { return "is empty" }
    let folded = value.lowercased().filter { $0.isLetter || $0.isNumber }
    if let word = weakWords.first(where: folded.contains) { return "holds the guessable word \(word)" }
    if ["secret", "admin", "emban", "test", "demo"].contains(folded) { return "is a guessable word" }
    if value.count < minimumLength { return "is only \(value.count) characters long" }
    if Set(value).count < 10 { return "repeats few characters" }
    let characters = Array(value)
    for period in 1...(characters.count / 2)
    where characters.indices.allSatisfy({ $0 < period || characters[$0] == characters[$0 - period] }) {
      return "repeats itself after \(period) characters"
    }
    return nil
  }

  // MARK: - The file

  private static func read(_ path: String) throws(SecretKeyError) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw SecretKeyError(description: "\(path) cannot be read: \(String(cString: strerror(errno))).")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw SecretKeyError(description: "\(path) cannot be read: \(String(cString: strerror(errno))).")
    }
    guard status.st_mode & 0o077 == 0 else {
      throw SecretKeyError(
        description: "\(path) can be read by other users of this machine (mode \(String(status.st_mode & 0o777, radix: 8))). If nobody "
          + "else has read it, run `chmod 600 \(path)`; otherwise delete it, and a new one is made: sessions of embeds end with it.")
    }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = bytes.withUnsafeMutableBytes { buffer in
      #if canImport(Glibc)
        Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      #else
        Darwin.read(descriptor, buffer.baseAddress, buffer.count)
      #endif
    }
    guard count >= 0 else { throw SecretKeyError(description: "\(path) cannot be read: \(String(cString: strerror(errno))).") }
    let text = String(decoding: bytes.prefix(count), as: UTF8.self)
    return String(text.prefix { !$0.isNewline })
  }

  /// Writes a fresh key beside the path and links it into place: a crash leaves either no key or a whole one, and of two programs
  /// that start at the same time the first one's key stays.
  private static func make(_ path: String) throws(SecretKeyError) {
    let draft = path + "." + Randomness.base62(12)
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw SecretKeyError(description: "\(path) cannot be made: \(String(cString: strerror(errno))).")
    }
    defer { unlink(draft) }
    let text = Array((Randomness.bytes(32).hexadecimal + "\n").utf8)
    let written = write(descriptor, text, text.count)
    let synced = fsync(descriptor)
    close(descriptor)
    guard written == text.count, synced == 0, link(draft, path) == 0 || errno == EEXIST else {
      throw SecretKeyError(description: "\(path) cannot be made: \(String(cString: strerror(errno))).")
    }
  }
}
