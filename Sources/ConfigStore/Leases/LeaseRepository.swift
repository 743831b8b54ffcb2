public import Domain

/// Work that only one of several programs on the same stores may do at a time. Whoever holds a lease has it until it expires, and keeps it
/// by asking again; when a program dies, another one takes over after that.
public struct LeaseRepository: Sendable {
  /// How far the clocks of two machines may be apart.
  private static let skew: Double = 60

  private let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  /// Takes a lease that is free or expired, or prolongs one that `holder` has. One that ends long after `end` was taken before a clock
  /// was set back and counts as expired: leases of one name have one length.
  /// - Returns: Whether `holder` has it now, until `end`.
  public func take(_ name: String, holder: String, until end: Instant, at now: Instant) async throws -> Bool {
    try await database.write { connection in
      let changed = try connection.execute(
        """
        INSERT INTO leases (name, holder, expires_at) VALUES (\(name), \(holder), \(end)) \
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at \
        WHERE leases.holder = excluded.holder OR leases.expires_at <= \(now) \
        OR leases.expires_at > \(end.adding(seconds: Self.skew))
        """)
      return changed > 0
    }
  }

  /// Gives a lease back; nothing happens when another has it.
  public func giveBack(_ name: String, holder: String) async throws {
    _ = try await database.write {
      try $0.execute("DELETE FROM leases WHERE name = \(name) AND holder = \(holder)")
    }
  }
}
