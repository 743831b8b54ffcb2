internal import ClickHouse
internal import Domain

/// What is to be built of one tenant: a value without I/O, made from the counts of its days.
struct Backlog: Sendable, Hashable {
  struct Day: Sendable, Hashable {
    var day: CivilDate
    /// As tenant_days has it.
    var events: Int
    var lastIngested: Instant
    /// The newest build, if there is one: how many events it counted, and when it was written.
    var built: Built?

    struct Built: Sendable, Hashable {
      var events: Int
      var at: Instant
    }
  }

  /// Days one after the other that are built together; the range from the first to the last holds no event of another day.
  struct Run: Sendable, Hashable {
    var days: [Day]

    var first: CivilDate { days[0].day }
    var last: CivilDate { days[days.count - 1].day }
    var events: Int { days.reduce(0) { $0 + $1.events } }
  }

  let tenant: TenantKey
  /// The newest first: what is looked at most.
  var runs: [Run] = []
  /// Days whose rollup does not have the number of events that was recorded, although none has arrived since it was built.
  var doubtful: [CivilDate] = []

  init(tenant: TenantKey, days: [Day], settings: RollupSettings, now: Instant) {
    self.tenant = tenant
    let today = Int(now.milliseconds / 86_400_000)
    var run: [Day] = []
    func close() {
      if !run.isEmpty { runs.append(Run(days: run)) }
      run = []
    }
    for day in days.sorted(by: { $0.day > $1.day }) where day.events > 0 {
      guard day.day.daysSinceEpoch < today, day.day.daysSinceEpoch > 0, day.built?.events != day.events,
        day.lastIngested.adding(seconds: settings.quiet.inSeconds) < now
      else {
        close()
        continue
      }
      if let built = day.built, day.lastIngested.adding(seconds: 120) < built.at {
        if day.lastIngested.adding(seconds: settings.settled.inSeconds) < now { doubtful.append(day.day) }
        close()
        continue
      }
      let events = run.reduce(0) { $0 + $1.events }
      if !run.isEmpty,
        events + day.events > settings.eventsPerRun || run.count == RollupSettings.daysPerRun
          || run[0].day.daysSinceEpoch - day.day.daysSinceEpoch >= RollupSettings.daysPerRun
      {
        close()
      }
      run.insert(day, at: 0)
    }
    close()
  }

  /// Rows of: organisation, environment, tenant, days, events, milliseconds of the last arrival, events of the newest build (-1 for none),
  /// milliseconds of its writing; one row for each tenant with enough events.
  static func statement(minimumEvents: Int) -> SQL {
    """
    SELECT org_id, environment, tenant_id, groupArray(toInt32(date)), groupArray(events), groupArray(toUnixTimestamp64Milli(last)), \
    groupArray(if(newest = 0, -1, built)), groupArray(toUnixTimestamp64Milli(written)) FROM \
    (SELECT org_id, environment, tenant_id, date, sum(count) AS events, max(ingested) AS last, max(number) AS newest, \
    argMax(counted, number) AS built, argMax(at, number) AS written FROM (\(RollupTable.daysAndBuilds)) \
    GROUP BY org_id, environment, tenant_id, date) \
    GROUP BY org_id, environment, tenant_id HAVING sum(events) >= \(bind: minimumEvents) ORDER BY sum(events)
    """
  }

  /// - Parameter row: one of the statement's.
  init?(row: [JSONValue], settings: RollupSettings, now: Instant) {
    guard row.count >= 8, let tenant = TenantKey(row) else { return nil }
    let columns = row[3...].map { ($0.arrayValue ?? []).map(\.intValue) }
    let days = columns[0].indices.map { index in
      Day(
        day: CivilDate(daysSinceEpoch: columns[0][index]), events: columns[1][index],
        lastIngested: Instant(milliseconds: Int64(columns[2][index])),
        built: columns[3][index] < 0
          ? nil : Day.Built(events: columns[3][index], at: Instant(milliseconds: Int64(columns[4][index]))))
    }
    self.init(tenant: tenant, days: days, settings: settings, now: now)
  }
}

/// The tables of this module.
enum RollupTable {
  static let days: SQLIdentifier = "emban.tenant_days"
  static let builds: SQLIdentifier = "emban.rollup_days"
  static let rows: SQLIdentifier = "emban.rollups"
  static let events: SQLIdentifier = "emban.events"

  /// What is recorded of days, a row each, and of their builds, a row each with the `number` of the build: of days `count` and `ingested`, of builds
  /// `counted`, `at` and `names` (dimensions, omitted ones, measures, omitted ones). Columns that nobody asks for are not read.
  static var daysAndBuilds: SQL { daysAndBuilds(of: "1", inDays: "1") }

  /// - Parameters:
  ///   - own: a condition on the tenant.
  ///   - inDays: a further one on rows of days.
  static func daysAndBuilds(of own: SQL, inDays further: SQL) -> SQL {
    """
    SELECT org_id, environment, tenant_id, day AS date, n AS count, last_ingested AS ingested, toUInt64(0) AS number, toInt64(0) AS counted, \
    toDateTime64(0, 3, 'UTC') AS at, (emptyArrayString(), emptyArrayString(), emptyArrayString(), emptyArrayString()) AS names \
    FROM \(identifier: days) WHERE \(own) AND \(further) \
    UNION ALL SELECT org_id, environment, tenant_id, day, 0, toDateTime64(0, 3, 'UTC'), build, n, built_at, \
    (dimensions, omitted_dimensions, measures, omitted_measures) FROM \(identifier: builds) WHERE \(own) AND width = 'day'
    """
  }
}

extension Duration {
  var inSeconds: Double { self / .seconds(1) }
}
