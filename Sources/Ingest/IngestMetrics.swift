import Synchronization

/// What ingestion has done since the start of the program, counted. No name of a customer is in it.
public final class IngestMetrics: Sendable {
  public struct Counts: Sendable, Hashable {
    public init() {}

    /// Requests with events that were read as such.
    public var requests = 0
    /// Events that were answered as stored, resent ones included.
    public var accepted = 0
    /// Events that were refused, by reason code.
    public var rejected: [String: Int] = [:]
    /// Requests that were answered 503, by code.
    public var unavailable: [String: Int] = [:]
    public var inserts = 0
    public var insertedRows = 0
    public var insertSeconds = 0.0
    /// Events that went into the spool.
    public var spooled = 0
    /// Events that came out of it.
    public var replayed = 0
  }

  private let counts = Mutex(Counts())

  public init() {}

  public var snapshot: Counts { counts.withLock(\.self) }

  /// A request was answered with a receipt.
  func answered(_ receipt: IngestReceipt) {
    counts.withLock { counts in
      counts.requests += 1
      counts.accepted += receipt.accepted
      for rejection in receipt.rejections { counts.rejected[rejection.code.rawValue, default: 0] += 1 }
    }
  }

  /// A request could not be taken.
  func unavailable(_ code: String) {
    counts.withLock { counts in
      counts.requests += 1
      counts.unavailable[code, default: 0] += 1
    }
  }

  func inserted(rows: Int, in time: Duration) {
    counts.withLock { counts in
      counts.inserts += 1
      counts.insertedRows += rows
      counts.insertSeconds += Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    }
  }

  func spooled(_ events: Int) { counts.withLock { $0.spooled += events } }
  func replayed(_ events: Int) { counts.withLock { $0.replayed += events } }
}
