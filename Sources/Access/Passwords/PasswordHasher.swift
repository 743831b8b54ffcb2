import Crypto
import CryptoExtras
import Domain

/// Turns passwords into hashes and compares them, by scrypt. A stored hash tells its own parameters:
/// `scrypt$32768$8$3$<salt>$<hash>`, salt and hash in hexadecimal; so parameters can be raised, and old hashes still work.
public struct PasswordHasher: Sendable {
  /// scrypt's cost: `rounds` is N, a power of two; `blockSize` r; `parallelism` p. Takes 128·N·r bytes of memory at a time.
  public struct Parameters: Sendable, Hashable {
    public let rounds: Int
    public let blockSize: Int
    public let parallelism: Int

    public init(rounds: Int, blockSize: Int, parallelism: Int) {
      self.rounds = rounds
      self.blockSize = blockSize
      self.parallelism = parallelism
    }

    /// 32 MiB and three passes, one of the equivalent settings of OWASP's password storage sheet
    /// (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt).
    public static let standard = Parameters(rounds: 32_768, blockSize: 8, parallelism: 3)
  }

  public enum Verdict: Sendable, Hashable {
    case wrong
    /// `needsRehash`: the stored hash was made with other parameters than those of today.
    case correct(needsRehash: Bool)
  }

  private let parameters: Parameters
  private let threads: HashingThreads

  /// - Parameters:
  ///   - atOnce: How many hashes are computed at the same time.
  ///   - waiting: How many may wait for their turn before further ones are refused with 503.
  public init(parameters: Parameters = .standard, atOnce: Int = 2, waiting: Int = 64) {
    self.parameters = parameters
    threads = HashingThreads(atOnce: atOnce, waiting: waiting)
  }

  /// A new hash of the password with a fresh salt.
  /// - Throws: ``Domain/AppError`` 503 `busy`.
  public func hash(_ password: String) async throws -> String {
    let salt = Randomness.bytes(16)
    let stored = StoredHash(parameters: parameters, salt: salt, hash: [])
    let hash = try await threads.run { try stored.derive(from: password) }
    return StoredHash(parameters: parameters, salt: salt, hash: hash).text
  }

  /// Compares a password with a stored hash in constant time. For nil (there is no such user), and for a hash that cannot be read,
  /// the same work is done and the verdict is `wrong`, so that the time taken does not tell who has an account.
  /// - Throws: ``Domain/AppError`` 503 `busy`.
  public func verify(_ password: String, against text: String?) async throws -> Verdict {
    let stored = text.flatMap(StoredHash.init)
    let work = stored ?? StoredHash(parameters: parameters, salt: Array(repeating: 0, count: 16), hash: [])
    let hash = try await threads.run { try work.derive(from: password) }
    guard let stored, SymmetricKey(data: hash) == SymmetricKey(data: stored.hash) else { return .wrong }
    return .correct(needsRehash: stored.parameters != parameters)
  }
}

/// The parts of a hash's text.
private struct StoredHash: Sendable {
  let parameters: PasswordHasher.Parameters
  let salt: [UInt8]
  let hash: [UInt8]

  init(parameters: PasswordHasher.Parameters, salt: [UInt8], hash: [UInt8]) {
    self.parameters = parameters
    self.salt = salt
    self.hash = hash
  }

  init?(_ text: String) {
    let parts = text.split(separator: "$", omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0] == "scrypt", let rounds = Int(parts[1]), let blockSize = Int(parts[2]),
      let parallelism = Int(parts[3]), 2...1_048_576 ~= rounds, rounds.nonzeroBitCount == 1, 1...32 ~= blockSize,
      1...16 ~= parallelism, let salt = [UInt8](hexadecimal: parts[4]), let hash = [UInt8](hexadecimal: parts[5]), hash.count == 32
    else { return nil }
    self.init(
      parameters: PasswordHasher.Parameters(rounds: rounds, blockSize: blockSize, parallelism: parallelism), salt: salt, hash: hash)
  }

  var text: String {
    "scrypt$\(parameters.rounds)$\(parameters.blockSize)$\(parameters.parallelism)$\(salt.hexadecimal)$\(hash.hexadecimal)"
  }

  func derive(from password: String) throws -> [UInt8] {
    // An empty password has no bytes to point at; it can match nothing, but takes its time like any other.
    let bytes = password.isEmpty ? [0] : Array(password.utf8)
    let key = try KDF.Scrypt.deriveKey(
      from: bytes, salt: salt, outputByteCount: 32, rounds: parameters.rounds, blockSize: parameters.blockSize,
      parallelism: parameters.parallelism)
    return key.withUnsafeBytes { Array($0) }
  }
}
