package import Domain

/// What makes an event with an id the same event: organisation, environment, customer and id, compared byte by byte, as the store does. In
/// Swift the two spellings of `é` are equal, and an event would be lost to that of another customer.
///
/// A key points into the rows that it was made with: nothing is copied, and its hash is made once, where the row is. Keys with the same hash are
/// equal only if their bytes are. Those of different hashings are never compared.
package struct EventKey: Sendable, Hashable {
  /// Where a key lies, in rows that are still being written.
  struct Place: Sendable, Hashable {
    /// Organisation, environment and customer, each with its length before it.
    let owner: Range<Int>
    /// The id, without its length.
    let id: Range<Int>
    let hash: Int
  }

  /// The hash of the bytes of an owner and of an id.
  package typealias Hashing = @Sendable (_ owner: UnsafeRawBufferPointer, _ id: UnsafeRawBufferPointer) -> Int

  /// Another one in every process, so that no sender can choose ids that meet.
  package static let seeded: Hashing = { owner, id in
    var hasher = Hasher()
    hasher.combine(bytes: id)
    hasher.combine(bytes: owner)
    return hasher.finalize()
  }

  private let bytes: [UInt8]
  private let place: Place

  /// - Parameter bytes: the rows, finished.
  init(_ bytes: [UInt8], _ place: Place) {
    self.bytes = bytes
    self.place = place
  }

  /// A key that stands alone.
  package init(scope: IngestScope, tenant: TenantID, id: String, hashing: Hashing = EventKey.seeded) {
    var bytes = scope.rowPrefix
    RowBinary.write(tenant.rawValue, into: &bytes)
    let owner = 0..<bytes.count
    bytes.append(contentsOf: id.utf8)
    self.init(bytes, Place(in: bytes, owner: owner, id: owner.upperBound..<bytes.count, hashing))
  }

  /// Of a row of the store whose cells are the customer and the id; nil for any other.
  init?(scope: IngestScope, row: some Collection<JSONValue>) {
    let cells = row.compactMap(\.stringValue)
    guard row.count == 2, cells.count == 2 else { return nil }
    self.init(scope: scope, tenant: TenantID(cells[0]), id: cells[1])
  }

  /// Of a row whose cells are the organisation, the environment, the customer and the id; nil for any other.
  init?(scopedRow row: [JSONValue]) {
    guard row.count == 4, let organization = row[0].stringValue, let environment = row[1].stringValue else { return nil }
    self.init(
      scope: IngestScope(organization: OrganizationID(organization), environment: EnvironmentName(environment)), row: row.dropFirst(2))
  }

  package static func == (left: EventKey, right: EventKey) -> Bool {
    left.place.hash == right.place.hash
      && left.bytes.withUnsafeBufferPointer { ours in
        right.bytes.withUnsafeBufferPointer { theirs in
          text(ours, left.place.id) == text(theirs, right.place.id) && text(ours, left.place.owner) == text(theirs, right.place.owner)
        }
      }
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(place.hash) }

  /// The bytes of the id.
  var id: ArraySlice<UInt8> { bytes[place.id] }

  var owner: Owner { Owner(key: self) }

  var scope: IngestScope { names.scope }

  var names: (scope: IngestScope, tenant: TenantID) {
    var reader = RowBinaryReader(bytes, from: place.owner.lowerBound)
    let organization = reader.text() ?? "", environment = reader.text() ?? "", tenant = reader.text() ?? ""
    return (
      IngestScope(organization: OrganizationID(organization), environment: EnvironmentName(environment)), TenantID(tenant)
    )
  }

  private static func text(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> ByteText {
    ByteText(UnsafeBufferPointer(rebasing: bytes[range]))
  }

  /// Whose event it is.
  struct Owner: Hashable {
    let key: EventKey

    static func == (left: Owner, right: Owner) -> Bool {
      left.key.bytes.withUnsafeBufferPointer { ours in
        right.key.bytes.withUnsafeBufferPointer { theirs in
          EventKey.text(ours, left.key.place.owner) == EventKey.text(theirs, right.key.place.owner)
        }
      }
    }

    func hash(into hasher: inout Hasher) {
      key.bytes.withUnsafeBytes { hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0[key.place.owner])) }
    }
  }
}

extension EventKey.Place {
  init(in bytes: [UInt8], owner: Range<Int>, id: Range<Int>, _ hashing: EventKey.Hashing) {
    let hash = bytes.withUnsafeBytes { bytes in
      hashing(UnsafeRawBufferPointer(rebasing: bytes[owner]), UnsafeRawBufferPointer(rebasing: bytes[id]))
    }
    self.init(owner: owner, id: id, hash: hash)
  }
}
