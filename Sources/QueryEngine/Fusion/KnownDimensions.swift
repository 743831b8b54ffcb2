public import Domain
internal import Synchronization

/// About how many values dimensions have, as answers have shown it: what the choice of ``Fusion`` goes by. Nothing depends on it but
/// speed.
public final class KnownDimensions: Sendable {
  private struct Key: Hashable {
    var organization: OrganizationID
    var environment: EnvironmentName
    var tenant: Scope.Tenant
    var dimension: Dimension
  }

  private static let capacity = 20_000

  private let counts = Mutex<[Key: Int]>([:])

  public init() {}

  func count(of dimension: Dimension, in scope: Scope) -> Int? {
    counts.withLock { $0[Self.key(dimension, scope)] }
  }

  /// Takes note of an answer whose groups were `count`, or more when `isAll` is false.
  public func note(_ dimension: Dimension, in scope: Scope, count: Int, isAll: Bool) {
    // Of one that was cut off nothing is known but that there are more.
    let count = isAll ? count : max(count * 4, 1_000)
    counts.withLock { counts in
      if counts.count >= Self.capacity { counts.removeAll(keepingCapacity: true) }
      let key = Self.key(dimension, scope)
      // What filters have narrowed tells nothing against what was seen without them.
      if isAll, let known = counts[key], known >= count, known < 1_000 { return }
      counts[key] = count
    }
  }

  private static func key(_ dimension: Dimension, _ scope: Scope) -> Key {
    Key(organization: scope.organization, environment: scope.environment, tenant: scope.tenant, dimension: dimension)
  }
}
