/// One step of the replay: which records are inserted together, which of their rows, under which tokens. It is fixed on disk before the
/// first insert, so that whatever ends the program in between, the same inserts with the same tokens follow, and the store takes each once.
public struct ReplayPlan: Sendable, Hashable {
  /// An insert: some of the included rows, by their position among these.
  public struct Group: Sendable, Hashable {
    public var token: String
    public var rows: Range<Int>
  }

  /// What a refusal by the store means.
  public enum Refusal: Sendable, Hashable {
    /// Smaller inserts take the place of this one.
    case halved
    /// This row cannot be stored: its position among all rows of the plan.
    case row(Int)
  }

  /// The records from here …
  public let first: UInt64
  /// … to here.
  public let last: UInt64
  /// Of all these records.
  public let rowCount: Int
  /// The positions of the rows that are inserted: not those that are in the store already.
  public let included: [Int]
  /// What is still to be done, the next first.
  public private(set) var groups: [Group]

  public init(first: UInt64, last: UInt64, rowCount: Int, included: [Int], token: String) {
    self.first = first
    self.last = last
    self.rowCount = rowCount
    self.included = included
    groups = included.isEmpty ? [] : [Group(token: token, rows: included.indices)]
  }

  /// The next insert; nil when all are done.
  public var next: Group? { groups.first }

  /// The next group is in the store, or its only row is set aside.
  public mutating func done() { groups.removeFirst() }

  /// The store refused the data of the next group: nothing of it is stored.
  public mutating func refused(makeToken: () -> String) -> Refusal {
    let group = groups.removeFirst()
    guard group.rows.count > 1 else {
      groups.insert(group, at: 0)
      return .row(included[group.rows.lowerBound])
    }
    let middle = group.rows.lowerBound + group.rows.count / 2
    groups.insert(
      contentsOf: [
        Group(token: makeToken(), rows: group.rows.lowerBound..<middle),
        Group(token: makeToken(), rows: middle..<group.rows.upperBound),
      ], at: 0)
    return .halved
  }
}

/// How far the replay has come, as it stands in the spool's `replay` file.
public struct ReplayState: Sendable, Hashable {
  /// Grows with every version that is written; the newest one that is whole counts.
  public var version: UInt64
  /// Records up to this one are in the store or set aside.
  public var replayed: UInt64
  public var plan: ReplayPlan?

  public init(version: UInt64 = 0, replayed: UInt64 = 0, plan: ReplayPlan? = nil) {
    self.version = version
    self.replayed = replayed
    self.plan = plan
  }
}

/// The state's file has two places of fixed size, written alternately: one of them is whole at any time, and writing needs no new space on
/// a disk that is full.
extension ReplayState {
  /// Bytes of one place.
  public static let slotLength = 131_072
  private static let marker: [UInt8] = Array("EMBP".utf8)

  /// Which of the two places this version belongs to.
  public var slot: Int { Int(version % 2) }

  /// Nil when it does not fit, which no plan within the bounds of a block does.
  public var bytes: [UInt8]? {
    var content = SpoolWriter()
    content.write(version)
    content.write(replayed)
    content.write(UInt8(plan == nil ? 0 : 1))
    if let plan {
      content.write(plan.first)
      content.write(plan.last)
      content.write(UInt32(plan.rowCount))
      var bits = [UInt8](repeating: 0, count: (plan.rowCount + 7) / 8)
      for row in plan.included { bits[row / 8] |= 1 << UInt8(row % 8) }
      content.write(bits)
      content.write(UInt32(plan.groups.count))
      for group in plan.groups {
        content.write(UInt32(group.rows.lowerBound))
        content.write(UInt32(group.rows.upperBound))
        content.write(UInt8(group.token.utf8.count))
        content.write(group.token.utf8)
      }
    }
    var file = SpoolWriter()
    file.write(Self.marker)
    file.write(UInt32(content.bytes.count))
    file.write(Checksum.of(content.bytes[...]))
    file.write(content.bytes)
    return file.bytes.count <= Self.slotLength ? file.bytes : nil
  }

  /// Reads one of the two places; nil unless it is whole.
  public init?(_ slot: some Sequence<UInt8>) {
    var file = SpoolReader(slot)
    guard file.bytes(4).map(Array.init) == Self.marker, let length = file.number(UInt32.self), let checksum = file.number(UInt32.self),
      let content = file.bytes(Int(length)), Checksum.of(content) == checksum
    else { return nil }
    var reader = SpoolReader(content)
    guard let version = reader.number(UInt64.self), let replayed = reader.number(UInt64.self), let hasPlan = reader.number(UInt8.self)
    else { return nil }
    self.init(version: version, replayed: replayed)
    guard hasPlan == 1 else { return }
    guard let first = reader.number(UInt64.self), let last = reader.number(UInt64.self),
      let rowCount = reader.number(UInt32.self).map(Int.init), let bits = reader.bytes((rowCount + 7) / 8).map(Array.init),
      let groupCount = reader.number(UInt32.self)
    else { return nil }
    let included = (0..<rowCount).filter { bits[$0 / 8] & (1 << UInt8($0 % 8)) != 0 }
    var groups: [ReplayPlan.Group] = []
    for _ in 0..<groupCount {
      guard let lower = reader.number(UInt32.self), let upper = reader.number(UInt32.self), lower <= upper, upper <= included.count,
        let length = reader.number(UInt8.self), let token = reader.bytes(Int(length))
      else { return nil }
      groups.append(ReplayPlan.Group(token: String(decoding: token, as: UTF8.self), rows: Int(lower)..<Int(upper)))
    }
    plan = ReplayPlan(first: first, last: last, rowCount: rowCount, included: included, groups: groups)
  }
}

extension ReplayPlan {
  fileprivate init(first: UInt64, last: UInt64, rowCount: Int, included: [Int], groups: [Group]) {
    self.first = first
    self.last = last
    self.rowCount = rowCount
    self.included = included
    self.groups = groups
  }
}
