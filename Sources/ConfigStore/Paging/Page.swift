public import Domain

/// Which part of a list is wanted. Lists run from the newest entry to the oldest; a cursor stands for the last entry of the page
/// before, so that entries that are added or removed meanwhile neither repeat nor hide others.
public struct PageRequest: Sendable, Hashable {
  public let limit: Int
  let position: Position?

  /// The moment and id of an entry.
  struct Position: Sendable, Hashable {
    let instant: Instant
    let id: String
  }

  /// The first `limit` entries.
  public static let first = PageRequest(limit: Limits.pageSize, position: nil)

  private init(limit: Int, position: Position?) {
    self.limit = limit
    self.position = position
  }

  /// Reads `?limit=&cursor=`; nil stands for an absent parameter.
  /// - Throws: ``Domain/AppError`` 422 that names `limit` or `cursor`.
  public init(limit: Int? = nil, cursor: String? = nil) throws(AppError) {
    let limit = limit ?? Limits.pageSize
    guard 1...Limits.maximumPageSize ~= limit else {
      throw .invalid("limit", "out_of_range", "must be a whole number between 1 and \(Limits.maximumPageSize)")
    }
    var position: Position?
    if let cursor {
      let parts = cursor.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      guard cursor.utf8.count <= 100, parts.count == 2, let milliseconds = Int64(parts[0], radix: 36), !parts[1].isEmpty,
        parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
      else { throw .invalid("cursor", "unknown_cursor", "must be a next_cursor that this list gave") }
      position = Position(instant: Instant(milliseconds: milliseconds), id: String(parts[1]))
    }
    self.init(limit: limit, position: position)
  }
}

/// A part of a list, and the cursor of the next part; nil at the end.
public struct Page<Item: Sendable>: Sendable {
  public let items: [Item]
  public let nextCursor: String?

  public init(items: [Item], nextCursor: String?) {
    self.items = items
    self.nextCursor = nextCursor
  }

  /// `rows` is one longer than the page when there is more; `position` tells an item's place in the list.
  init(_ rows: [Item], request: PageRequest, position: (Item) -> (Instant, String)) {
    items = Array(rows.prefix(request.limit))
    if rows.count > request.limit, let last = items.last {
      let (instant, id) = position(last)
      nextCursor = String(instant.milliseconds, radix: 36) + "." + id
    } else {
      nextCursor = nil
    }
  }

  /// The page with its items converted.
  public func map<Other: Sendable>(_ transform: (Item) throws -> Other) rethrows -> Page<Other> {
    Page<Other>(items: try items.map(transform), nextCursor: nextCursor)
  }
}
