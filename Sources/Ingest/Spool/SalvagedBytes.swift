/// A segment whose file cannot be read everywhere: what the system does not give stands as zeros, page by page, which no checksum fits.
public struct SalvagedBytes: SegmentBytes, Sendable {
  /// The piece in which disks fail, at least.
  public static let page = 4_096

  private let file: any SegmentBytes & Sendable
  public let size: Int

  /// - Parameter size: how much of the file counts.
  public init(_ file: any SegmentBytes & Sendable, size: Int) {
    self.file = file
    self.size = size
  }

  public func read(at offset: Int, count: Int) -> [UInt8] {
    let end = min(offset + count, size)
    if let bytes = try? file.read(at: offset, count: end - offset) { return bytes }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(end - offset)
    var position = offset
    while position < end {
      let next = min(end, (position / Self.page + 1) * Self.page)
      bytes += (try? file.read(at: position, count: next - position)) ?? [UInt8](repeating: 0, count: next - position)
      position = next
    }
    return bytes
  }
}

/// A segment whose file is not even there.
struct NoBytes: SegmentBytes, Sendable {
  let size: Int
  let cause: any Error
  func read(at offset: Int, count: Int) throws -> [UInt8] { throw cause }
}

/// The system does not give back what a segment holds.
struct SegmentUnreadable: Error, CustomStringConvertible {
  let segment: UInt64
  let cause: any Error
  var description: String { "segment \(segment): \(cause)" }
}

/// How often a segment that cannot be read is tried again, before what can be read of it is taken.
struct ReadAttempts {
  enum Next: Sendable, Hashable {
    case again(after: Duration)
    case salvage
  }

  private let policy: RetryPolicy
  private var current: (segment: UInt64, since: ContinuousClock.Instant, pause: Duration)?

  init(_ policy: RetryPolicy) { self.policy = policy }

  /// Whether this is the first failure of the segment in a row.
  func isFirst(_ segment: UInt64) -> Bool { current?.segment != segment }

  /// With growing pauses, until the deadline has passed since the first failure.
  mutating func failed(_ segment: UInt64, at now: ContinuousClock.Instant) -> Next {
    guard let before = current, before.segment == segment else {
      current = (segment, now, policy.firstPause)
      return .again(after: policy.firstPause)
    }
    guard now - before.since < policy.deadline else {
      current = nil
      return .salvage
    }
    let pause = min(before.pause * 2, policy.longestPause)
    current = (segment, before.since, pause)
    return .again(after: pause)
  }

  mutating func succeeded() { current = nil }
}

extension RetryPolicy {
  /// A file that cannot be read: tried again for half a minute.
  public static let unreadableSegment = RetryPolicy(
    firstPause: .milliseconds(250), longestPause: .seconds(8), deadline: .seconds(30))
}
