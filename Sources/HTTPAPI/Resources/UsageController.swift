import Access
import ConfigStore
import Domain
import Hummingbird
import QueryEngine

/// `GET /v1/usage`: how much of everything there is, and how many events by UTC day and month.
struct UsageController: Controller {
  let queries: QueryService
  let organizations: OrganizationRepository
  let clock: TimeSource

  var endpoints: [Endpoint] { [Endpoint(.get, "/v1/usage", .read, endsWithClient: true, show)] }

  /// How many days an answer spans that was not asked for others.
  private static let usualDays = 30

  private func show(_ request: APIRequest) async throws -> Response {
    let now = clock()
    let today = CivilDate(daysSinceEpoch: Int(now.milliseconds / 86_400_000))
    let (days, environment) = try request.readQuery { reader in
      let to = reader.day("to") ?? today
      let from = reader.day("from") ?? to.adding(days: 1 - Self.usualDays)
      if from > to {
        reader.problem("from", "out_of_range", "must not be after to")
      } else if to.daysSinceEpoch - from.daysSinceEpoch >= Limits.usageDays {
        reader.problem("from", "out_of_range", "must be less than \(Limits.usageDays) days before to")
      }
      return (min(from, to)...to, reader.string("environment", length: 1...50))
    }
    let account = try request.account(environment: environment.map { EnvironmentName($0) })
    let scope = try queries.scope(account, tenant: nil, timezone: nil)
    let report = try await queries.executor.run(UsagePlan(scope: scope, days: days))
    let counts = try await organizations.counts(account.organization, environment: account.environment, at: now)
    let perDay = report.days.map { day -> JSONValue in
      ["date": .string(day.day.iso8601), "events": .int(day.events), "tenants": .int(day.tenants)]
    }
    let perMonth = report.months.map { month -> JSONValue in
      ["month": .string(String(month.first.iso8601.prefix(7))), "events": .int(month.events)]
    }
    return .json([
      "environment": .string(account.environment.rawValue), "from": .string(days.lowerBound.iso8601),
      "to": .string(days.upperBound.iso8601),
      "days": .array(perDay), "months": .array(perMonth),
      "events": .int(report.events), "tenants": .int(report.tenants), "tenants_total": .int(report.tenantsTotal),
      "members": .int(counts.members), "invites": .int(counts.invites), "api_keys": .int(counts.apiKeys),
      "dashboards": .int(counts.dashboards), "published_dashboards": .int(counts.publishedDashboards),
      "embed_sessions": .int(counts.embedSessions),
    ])
  }
}

extension ObjectReader {
  /// A day such as `2026-04-14`.
  mutating func day(_ key: String) -> CivilDate? {
    guard let text = string(key, length: 0...20) else { return nil }
    guard let day = CivilDate(iso8601: text) else {
      problem(key, "date_format", "must be a day such as 2026-04-14")
      return nil
    }
    return day
  }
}
