import ClickHouse
public import Domain
import NIOCore

/// By how much the recorded numbers of a tenant's events on a day are wrong, by event name: fixed in the journal before it is written down, as
/// a removal is, so that it counts once.
struct CountCorrection: Sendable, Hashable {
  var environment: EnvironmentName
  var tenant: TenantID
  var day: CivilDate
  var missing: [ExactText: Int]

  var json: JSONValue {
    [
      "kind": "counts", "environment": .string(environment.rawValue), "tenant": .string(tenant.rawValue), "day": .int(day.daysSinceEpoch),
      "missing": .array(missing.sorted { $0.key < $1.key }.map { .array([.string($0.key.text), .int($0.value)]) }),
    ]
  }

  init(environment: EnvironmentName, tenant: TenantID, day: CivilDate, missing: [ExactText: Int]) {
    self.environment = environment
    self.tenant = tenant
    self.day = day
    self.missing = missing
  }

  /// Reads ``json``; nil for anything else.
  init?(_ json: JSONValue) {
    guard json["kind"]?.stringValue == "counts", let environment = json["environment"]?.stringValue,
      let tenant = json["tenant"]?.stringValue, let day = json["day"]?.numberValue, let items = json["missing"]?.arrayValue
    else { return nil }
    var missing: [ExactText: Int] = [:]
    for item in items {
      guard let name = item[0]?.stringValue, let count = item[1]?.numberValue else { return nil }
      missing[ExactText(name)] = Int(count)
    }
    self.init(
      environment: EnvironmentName(environment), tenant: TenantID(tenant), day: CivilDate(daysSinceEpoch: Int(day)), missing: missing)
  }

  /// Rows of `emban.tenant_days`, a line of JSON each.
  func lines(of organization: OrganizationID) -> ByteBuffer {
    var body = ByteBuffer()
    for (name, count) in missing.sorted(by: { $0.key < $1.key }) {
      let row: JSONValue = [
        "org_id": .string(organization.rawValue), "environment": .string(environment.rawValue), "tenant_id": .string(tenant.rawValue),
        "day": .string(day.iso8601), "event_name": .string(name.text), "n": .int(count), "last_ingested": Instant(milliseconds: 0).json,
      ]
      body.writeBytes(row.serializedBytes())
      body.writeString("\n")
    }
    return body
  }
}

/// Counts the events of days anew whose recorded numbers are doubted.
public struct CountCorrector: Sendable {
  /// How long a removal is waited for, and inserts, while no removal of the organisation can begin.
  private static let patience: Duration = .seconds(2)
  private static let patienceWithInserts: Duration = .seconds(5)
  /// How long a look may take beside everything else, and while no removal of the organisation can begin.
  private static let longest: Duration = .seconds(600)
  private static let longestAlone: Duration = .seconds(15)
  /// The same of the looks at the store's clock and its inserts.
  private static let longestGlance: Duration = .seconds(10)

  private let remover: EventRemover

  public init(remover: EventRemover) { self.remover = remover }

  /// Compares the events of a day with their recorded numbers, and corrects these. An insert or a removal that is half done would look like a
  /// mistake: the numbers are wrong by the same twice, each time after all inserts that could have been seen by halves were over, the second time
  /// while no removal of the organisation is under way; and nothing has arrived for that day since a moment that is long ago. Removals are kept
  /// from beginning for twenty seconds or so at most.
  ///
  /// - Parameter moment: on the clock of the events' `ingested_at`.
  /// - Returns: Whether they were wrong, and are right now; nil when that could not be found out.
  /// - Throws: ``ClickHouseError`` and what the journal throws.
  public func correct(
    _ day: CivilDate, of tenant: TenantID, in scope: IngestScope, settledSince moment: Instant
  ) async throws -> Bool? {
    do {
      guard let first = try await missing(day, tenant, scope, settledSince: moment, within: Self.longest) else { return nil }
      guard !first.isEmpty else { return false }
      return try await remover.correct(scope.organization, patience: Self.patience) {
        guard try await missing(day, tenant, scope, settledSince: moment, within: Self.longestAlone) == first else { throw Unsettled() }
        return CountCorrection(environment: scope.environment, tenant: tenant, day: day, missing: first)
      }
    } catch is Unsettled {
      return nil
    } catch ClickHouseError.exception(let exception) where exception.kind == .timeout {
      // A day too large to be looked at twice: it stays as it was recorded, and keeps no other from being counted.
      return nil
    } catch EventRemover.Failure.busy {
      return nil
    }
  }

  private struct Unsettled: Error {}

  /// Nil while events of that day are arriving.
  private func missing(
    _ day: CivilDate, _ tenant: TenantID, _ scope: IngestScope, settledSince moment: Instant, within limit: Duration
  ) async throws -> [ExactText: Int]? {
    let glance = min(limit, Self.longestGlance)
    let now = try await remover.storeTime(within: glance)
    guard try await remover.insertsAreOver(before: now, patience: Self.patienceWithInserts, within: glance) else { return nil }
    let own: SQL = """
      org_id = \(bind: scope.organization.rawValue) AND environment = \(bind: scope.environment.rawValue) \
      AND tenant_id = \(bind: tenant.rawValue)
      """
    let rows = try await remover.client.query(
      """
      SELECT event_name, sum(actual) - sum(recorded), toUnixTimestamp64Milli(max(at)) FROM \
      (SELECT event_name, toInt64(count()) AS actual, toInt64(0) AS recorded, max(ingested_at) AS at \
      FROM \(identifier: "emban.events") WHERE \(own) \
      AND timestamp >= \(bind: day.midnightUTC) AND timestamp < \(bind: day.adding(days: 1).midnightUTC) GROUP BY event_name \
      UNION ALL SELECT event_name, 0, n, last_ingested FROM \(identifier: "emban.tenant_days") \
      WHERE \(own) AND day = toDate32(\(bind: day.iso8601))) GROUP BY event_name
      """, as: .admin, settings: ["max_threads": "1"], timeout: limit)
    var missing: [ExactText: Int] = [:]
    for row in rows.rows {
      guard row.count == 3, let name = row[0].stringValue, let count = row[1].numberValue, let last = row[2].numberValue,
        Int64(last) < moment.milliseconds
      else { return nil }
      if count != 0 { missing[ExactText(name)] = Int(count) }
    }
    return missing
  }
}

/// What the journal holds.
enum JournalPlan: Sendable, Hashable {
  case removal(Removal)
  case correction(CountCorrection)

  var json: JSONValue {
    switch self {
    case .removal(let removal): removal.json
    case .correction(let correction): correction.json
    }
  }

  /// Reads ``json``; nil for anything else.
  init?(_ json: JSONValue) {
    if let removal = Removal(json) {
      self = .removal(removal)
    } else if let correction = CountCorrection(json) {
      self = .correction(correction)
    } else {
      return nil
    }
  }
}
