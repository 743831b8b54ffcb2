import ClickHouse
import Crypto
import Domain

/// Which events of an organisation are taken out of the store: fixed before the first of them goes, so that performing it twice takes out
/// the same events.
enum Removal: Sendable, Hashable {
  /// All events of a tenant that were stored before a moment.
  case tenant(EnvironmentName, TenantID, before: Instant)
  /// All events of the days from `from` up to, not with, `to` that were stored before a moment.
  case days(EnvironmentName, from: CivilDate, to: CivilDate, before: Instant)
  /// Single rows.
  case rows(EnvironmentName, [StoredRow])

  /// What tells a row of `emban.events` from every other.
  struct StoredRow: Sendable, Hashable {
    var tenant: TenantID
    var eventID: String
    var timestamp: Instant
    var ingestedAt: Instant
    /// A `UInt64` in digits.
    var batch: String

    static func == (left: StoredRow, right: StoredRow) -> Bool {
      left.tenant == right.tenant && left.eventID.isExactly(right.eventID) && left.timestamp == right.timestamp
        && left.ingestedAt == right.ingestedAt && left.batch == right.batch
    }

    func hash(into hasher: inout Hasher) {
      hasher.combine(tenant)
      eventID.hashExactly(into: &hasher)
      hasher.combine(timestamp)
      hasher.combine(ingestedAt)
      hasher.combine(batch)
    }
  }

  /// The most rows of one removal.
  static let rowsPerRemoval = 1_000

  var environment: EnvironmentName {
    switch self {
    case .tenant(let environment, _, _), .days(let environment, _, _, _), .rows(let environment, _): environment
    }
  }
}

// MARK: - Where it applies

extension Removal {
  /// The rows of `emban.events`.
  func events(of organization: OrganizationID) -> SQL {
    let scope = scope(organization)
    switch self {
    case .tenant(_, let tenant, let before):
      return "\(scope) AND tenant_id = \(bind: tenant.rawValue) AND ingested_at < \(bind: before)"
    case .days(_, let from, let to, let before):
      return "\(scope) AND \(Self.timestamps(from, to)) AND ingested_at < \(bind: before)"
    case .rows(_, let rows):
      return "\(scope) AND (\(SQL.join(rows.chunked(by: \.length).map(Self.condition), separator: " OR ")))"
    }
  }

  /// The rows of `emban.event_ids`; nil for none. Of an event that was stored twice the id stays.
  func ids(of organization: OrganizationID) -> SQL? {
    if case .rows = self { return nil }
    return events(of: organization)
  }

  /// The rows of `emban.rollup_days` of the days and months that change.
  func builds(of organization: OrganizationID) -> SQL {
    let scope = scope(organization)
    switch self {
    case .tenant(_, let tenant, _): return "\(scope) AND tenant_id = \(bind: tenant.rawValue)"
    case .days(_, _, let to, _): return "\(scope) AND day < toDate32(\(bind: to.iso8601))"
    case .rows(_, let rows):
      let days = Set(rows.map { TenantDay($0) }).sorted { $0.day < $1.day }
      let matches = days.chunked(by: \.length).map { chunk -> SQL in
        """
        (tenant_id, toString(day)) IN arrayZip(\(bind: chunk.map(\.tenant.rawValue)), \(bind: chunk.map(\.day.iso8601)))
        """
      }
      return "\(scope) AND (\(SQL.join(matches, separator: " OR ")))"
    }
  }

  /// The rows of `emban.rollups`, of builds before the removal; nil when they only cease to count.
  func rollups(of organization: OrganizationID) -> SQL? {
    let scope = scope(organization)
    switch self {
    case .tenant(_, let tenant, let before):
      return "\(scope) AND tenant_id = \(bind: tenant.rawValue) AND build < \(bind: Int(before.milliseconds))"
    case .days(_, _, let to, let before):
      return "\(scope) AND bucket < toDateTime(\(bind: to.midnightUTC)) AND build < \(bind: Int(before.milliseconds))"
    case .rows: return nil
    }
  }

  private func scope(_ organization: OrganizationID) -> SQL {
    "org_id = \(bind: organization.rawValue) AND environment = \(bind: environment.rawValue)"
  }

  private static func timestamps(_ from: CivilDate, _ to: CivilDate) -> SQL {
    "timestamp >= \(bind: from.midnightUTC) AND timestamp < \(bind: to.midnightUTC)"
  }

  private static func condition(_ rows: [StoredRow]) -> SQL {
    """
    (tenant_id IN \(bind: Set(rows.map { ExactText($0.tenant.rawValue) }).map(\.text)) AND \(moments(rows.map(\.timestamp))) AND \
    (tenant_id, event_id, toString(toUnixTimestamp64Milli(timestamp)), toString(toUnixTimestamp64Milli(ingested_at)), toString(batch)) IN \
    arrayZip(\(bind: rows.map(\.tenant.rawValue)), \(bind: rows.map(\.eventID)), \
    \(bind: rows.map { String($0.timestamp.milliseconds) }), \(bind: rows.map { String($0.ingestedAt.milliseconds) }), \
    \(bind: rows.map(\.batch))))
    """
  }

  /// A condition on the timestamps that the sort key can serve.
  static func moments(_ moments: [Instant]) -> SQL {
    let texts = Set(moments).sorted().map { $0.iso8601.replacing("T", with: " ").replacing("Z", with: "") }
    return "timestamp IN \(bind: texts)"
  }

  /// A tenant's day or month.
  private struct TenantDay: Hashable {
    var tenant: TenantID
    var day: CivilDate

    init(_ row: StoredRow) {
      tenant = row.tenant
      day = CivilDate(daysSinceEpoch: Int(row.timestamp.milliseconds / 86_400_000))
    }

    var length: Int { max(tenant.rawValue.utf8.count, 10) + 3 }
  }
}

extension Removal.StoredRow {
  fileprivate var length: Int { max(tenant.rawValue.utf8.count, eventID.utf8.count, 20) + 3 }
}

// MARK: - What counts once

extension Removal {
  /// By which the store knows that it was subtracted from the counts already. Of single rows it is made of what tells them apart: two programs
  /// that do not know of each other take out the same ones.
  func token(of organization: OrganizationID, id: String) -> String {
    guard case .rows(let environment, let rows) = self else { return "removal-\(id)" }
    var bytes: [UInt8] = []
    func add(_ text: String) {
      withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
      bytes.append(contentsOf: text.utf8)
    }
    add(organization.rawValue)
    add(environment.rawValue)
    for row in rows.map(\.identity).sorted(by: { $0.lexicographicallyPrecedes($1) }) { row.forEach { add($0.text) } }
    return "removal-rows-" + SHA256.hash(data: bytes).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}

extension Removal.StoredRow {
  fileprivate var identity: [ExactText] {
    [tenant.rawValue, eventID, String(timestamp.milliseconds), String(ingestedAt.milliseconds), batch].map { ExactText($0) }
  }
}

// MARK: - As it is written down

extension Removal {
  var json: JSONValue {
    switch self {
    case .tenant(let environment, let tenant, let before):
      [
        "kind": "tenant", "environment": .string(environment.rawValue), "tenant": .string(tenant.rawValue),
        "before": .int(before.milliseconds),
      ]
    case .days(let environment, let from, let to, let before):
      [
        "kind": "days", "environment": .string(environment.rawValue), "from": .int(from.daysSinceEpoch), "to": .int(to.daysSinceEpoch),
        "before": .int(before.milliseconds),
      ]
    case .rows(let environment, let rows):
      [
        "kind": "rows", "environment": .string(environment.rawValue),
        "rows": .array(
          rows.map {
            .array([
              .string($0.tenant.rawValue), .string($0.eventID), .int($0.timestamp.milliseconds), .int($0.ingestedAt.milliseconds),
              .string($0.batch),
            ])
          }),
      ]
    }
  }

  /// Reads ``json``; nil for anything else.
  init?(_ json: JSONValue) {
    func integer(_ value: JSONValue?) -> Int64? { value?.numberValue.map { Int64($0) } }
    guard let environment = json["environment"]?.stringValue.map({ EnvironmentName($0) }) else { return nil }
    let before = integer(json["before"]).map(Instant.init(milliseconds:))
    switch json["kind"]?.stringValue {
    case "tenant":
      guard let tenant = json["tenant"]?.stringValue, let before else { return nil }
      self = .tenant(environment, TenantID(tenant), before: before)
    case "days":
      guard let from = integer(json["from"]), let to = integer(json["to"]), let before else { return nil }
      self = .days(environment, from: CivilDate(daysSinceEpoch: Int(from)), to: CivilDate(daysSinceEpoch: Int(to)), before: before)
    case "rows":
      var rows: [StoredRow] = []
      for item in json["rows"]?.arrayValue ?? [] {
        guard let tenant = item[0]?.stringValue, let id = item[1]?.stringValue, let timestamp = integer(item[2]),
          let ingestedAt = integer(item[3]), let batch = item[4]?.stringValue
        else { return nil }
        rows.append(
          StoredRow(
            tenant: TenantID(tenant), eventID: id, timestamp: Instant(milliseconds: timestamp),
            ingestedAt: Instant(milliseconds: ingestedAt), batch: batch))
      }
      guard !rows.isEmpty else { return nil }
      self = .rows(environment, rows)
    default: return nil
    }
  }
}
