import ClickHouse
import Domain

/// Keys of one organisation and environment, customer by customer: as a statement names them.
struct KeyGroup {
  private struct Customer {
    let tenant: TenantID
    var ids: [ArraySlice<UInt8>] = []
  }

  let scope: IngestScope
  private var customers: [Customer] = []

  private init(scope: IngestScope) { self.scope = scope }

  /// One group for each organisation and environment. Most keys come behind others of the same customer.
  static func of(_ keys: some Sequence<EventKey>) -> [KeyGroup] {
    var groups: [KeyGroup] = []
    var scopes: [IngestScope: Int] = [:]
    var places: [EventKey.Owner: (group: Int, customer: Int)] = [:]
    var last: (owner: EventKey.Owner, place: (group: Int, customer: Int))?
    for key in keys {
      let owner = key.owner
      let place: (group: Int, customer: Int)
      if let last, last.owner == owner {
        place = last.place
      } else if let known = places[owner] {
        place = known
      } else {
        let (scope, tenant) = key.names
        let group = scopes[scope] ?? groups.count
        if group == groups.count {
          groups.append(KeyGroup(scope: scope))
          scopes[scope] = group
        }
        groups[group].customers.append(Customer(tenant: tenant))
        place = (group, groups[group].customers.count - 1)
        places[owner] = place
      }
      groups[place.group].customers[place.customer].ids.append(key.id)
      last = (owner, place)
    }
    return groups
  }

  /// That `tenant_id` and `event_id` are those of one of the keys, in this organisation and environment.
  var condition: SQL {
    var matches: [SQL] = []
    var scattered: [(tenant: TenantID, id: ArraySlice<UInt8>)] = []
    for customer in customers {
      guard customer.ids.count >= Self.idsOfTheirOwn else {
        scattered += customer.ids.map { (customer.tenant, $0) }
        continue
      }
      matches += customer.ids.chunked(by: SQLValue.itemLength).map { ids in
        "(tenant_id = \(bind: customer.tenant.rawValue) AND event_id IN \(bind: SQLValue(utf8: ids)))"
      }
    }
    if !scattered.isEmpty {
      matches += scattered.chunked { max($0.tenant.rawValue.utf8.count + 3, SQLValue.itemLength($0.id)) }.map { keys in
        "(tenant_id, event_id) IN arrayZip(\(bind: keys.map(\.tenant.rawValue)), \(bind: SQLValue(utf8: keys.map(\.id))))"
      }
    }
    return """
      org_id = \(bind: scope.organization.rawValue) AND environment = \(bind: scope.environment.rawValue) \
      AND (\(SQL.join(matches, separator: " OR ")))
      """
  }

  /// So many ids of a customer are asked for by themselves, the others with the name of their customer beside each. Among 3 million ids the look-up
  /// of 1,000 of one customer took 60 ms instead of 130 of a core, 8,000 of eight customers 620 instead of 1,360; 1,000 of eight are better
  /// looked up together (190 instead of 250).
  private static let idsOfTheirOwn = 500
}
