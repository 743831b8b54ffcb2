import Domain
import QueryEngine

/// 14:23:45 on a Friday.
let now = moment("2026-11-20T14:23:45Z")

func moment(_ text: String) -> Instant {
  guard let instant = Instant(iso8601: text) else { preconditionFailure("\(text) is not a time") }
  return instant
}

func day(_ text: String) -> CivilDate {
  guard let day = CivilDate(iso8601: text) else { preconditionFailure("\(text) is not a day") }
  return day
}

/// Zones with all the oddities there are: half and quarter hours, changes by half an hour, at midnight, several a year, given up, of the
/// southern half.
let zones = [
  "UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kathmandu", "America/St_Johns",
  "Europe/London", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca", "Asia/Tehran", "Europe/Lisbon", "Africa/Cairo",
]

func range(_ from: String, _ to: String) -> TimeRange { TimeRange(from: moment(from), to: moment(to)) }

func scope(
  organization: String = "org_1", tenant: Scope.Tenant = .one(TenantID("acme")), permissions: EmbedPermissions = EmbedPermissions(),
  now: Instant = now, zone: Zone = .utc
) throws -> Scope {
  try Scope(
    organization: OrganizationID(organization), environment: .production, tenant: tenant, lockedFilters: permissions.lockedFilters,
    allowedPeriods: permissions.allowedPeriods, maxDateRangeDays: permissions.maxDateRangeDays,
    allowedDimensions: permissions.allowedDimensions, now: now, zone: zone)
}

let usage = DashboardConfig(
  name: "Usage",
  filters: [
    DashboardFilter(id: "f_period", control: .period(default: .month, options: Period.allCases)),
    DashboardFilter(id: "f_model", control: .select(.property("model"), multiple: true)),
    DashboardFilter(id: "f_latency", control: .numericRange(property: "latency_ms")),
    DashboardFilter(id: "f_dates", control: .dateRange),
  ],
  widgets: [
    Widget(
      id: "w_1", title: "Calls by endpoint", kind: .breakdown, position: GridPosition(x: 0, y: 0, w: 6, h: 4),
      query: WidgetQuery(eventName: "api.call", groupBy: .property("endpoint")))
  ])
