public import ConfigStore
public import Domain

/// A new API key with its secret, which is shown this once and kept nowhere.
public struct MintedAPIKey: Sendable, CustomStringConvertible {
  public let key: APIKey
  public let secret: String

  public var description: String { "\(key.id) [redacted]" }
}

/// Issues, verifies and revokes API keys.
///
/// A secret is `eb_adm_` or `eb_ing_`, 32 random letters and digits (190 bits) and six that check the ones before: a mistyped or
/// made-up key is refused without asking the store, and scanners for leaked secrets can recognise real ones.
public final class APIKeys: Sendable {
  /// How long a verified key is remembered, in milliseconds: a key revoked through another server dies within this time, one revoked
  /// here at once.
  public static let cacheMilliseconds: Int64 = 900
  /// How often the time of a key's last use is written, in milliseconds.
  public static let useMilliseconds: Int64 = 60_000

  private let repository: APIKeyRepository
  private let clock: @Sendable () -> Instant
  private let verified = ExpiringCache<String, APIKey>(milliseconds: APIKeys.cacheMilliseconds, capacity: 4_096)
  private let noted = ExpiringCache<KeyID, Bool>(milliseconds: APIKeys.useMilliseconds, capacity: 4_096)

  public init(_ database: any ConfigDatabase, clock: @escaping @Sendable () -> Instant) {
    repository = APIKeyRepository(database)
    self.clock = clock
  }

  /// Makes and stores a key.
  /// - Parameter note: what is to be written down of it, in the same transaction.
  /// - Throws: ``Domain/AppError`` 422 that names `environment`.
  public func issue(
    _ organization: OrganizationID, environment: EnvironmentName, name: String, scope: KeyScope, by actor: String,
    noting note: AuditNote<APIKey>? = nil
  ) async throws -> MintedAPIKey {
    let minted = Self.mint(organization, environment: environment, name: name, scope: scope, by: actor, at: clock())
    try await repository.insert(minted.key, hash: minted.secret.sha256, noting: note)
    return minted
  }

  /// The key with this secret; nil when there is none or it was revoked.
  public func verify(_ secret: String) async throws -> APIKey? {
    guard Self.isWellFormed(secret) else { return nil }
    let hash = secret.sha256
    let now = clock()
    if let key = verified.value(hash, at: now) { return key }
    guard let key = try await repository.find(hash: hash) else { return nil }
    verified.store(key, for: hash, at: now)
    await noteUse(of: key, at: now)
    return key
  }

  /// Revokes a key for good.
  /// - Returns: The key; nil when the organisation has no such key or it was revoked before.
  public func revoke(
    _ organization: OrganizationID, _ id: KeyID, environment: EnvironmentName? = nil, noting note: AuditNote<APIKey>? = nil
  ) async throws -> APIKey? {
    let key = try await repository.revoke(organization, id, environment: environment, at: clock(), noting: note)
    verified.remove { $1.id == id }
    return key
  }

  /// Forgets the keys of an organisation that is no more: here they die at once.
  public func forget(_ organization: OrganizationID) { verified.remove { $1.organizationID == organization } }

  private func noteUse(of key: APIKey, at now: Instant) async {
    let isRecent = key.lastUsedAt.map { 0..<Self.useMilliseconds ~= now.milliseconds - $0.milliseconds } ?? false
    guard !isRecent, noted.value(key.id, at: now) == nil else { return }
    noted.store(true, for: key.id, at: now)
    // Only a convenience for people: a store that cannot be written to must not keep events out.
    try? await repository.touch(key.id, at: now)
  }

  static func mint(
    _ organization: OrganizationID, environment: EnvironmentName, name: String, scope: KeyScope, by actor: String, at now: Instant
  ) -> MintedAPIKey {
    let body = (scope == .admin ? "eb_adm_" : "eb_ing_") + Randomness.base62(32)
    let secret = body + Randomness.base62(checksum(of: body), width: 6)
    let key = APIKey(
      id: KeyID(IDGenerator.make("key")), organizationID: organization, environment: environment, name: name, scope: scope,
      prefix: String(secret.prefix(8)), createdBy: actor, createdAt: now)
    return MintedAPIKey(key: key, secret: secret)
  }

  /// Whether a text can be a secret of ours at all.
  static func isWellFormed(_ text: String) -> Bool {
    guard text.utf8.count == 45, text.hasPrefix("eb_adm_") || text.hasPrefix("eb_ing_") else { return false }
    return text.suffix(6) == Randomness.base62(checksum(of: String(text.dropLast(6))), width: 6)
  }

  /// CRC-32 (IEEE 802.3).
  private static func checksum(of text: String) -> UInt32 {
    var register: UInt32 = .max
    for byte in text.utf8 {
      register ^= UInt32(byte)
      for _ in 0..<8 { register = register & 1 == 1 ? register >> 1 ^ 0xEDB8_8320 : register >> 1 }
    }
    return ~register
  }
}
