internal import ClickHouse
internal import Domain

/// A row of `emban.rollup_days`: what a build made of a day or a month.
struct BuildRecord {
  let tenant: TenantKey
  /// `day` or `month`.
  let width: String
  /// The day, or the first of the month.
  let day: CivilDate
  /// The time of the build, in milliseconds since 1970.
  let build: Int
  let events: Int
  let dimensions: [ExactText]
  let halves: [ExactText]
  let omittedDimensions: [ExactText]
  let measures: [ExactText]
  let omittedMeasures: [ExactText]

  static let columns: [SQLIdentifier] = [
    "org_id", "environment", "tenant_id", "width", "day", "build", "n", "dimensions", "halves", "omitted_dimensions", "measures",
    "omitted_measures", "built_at",
  ]

  /// A line of JSON.
  var line: String {
    func names(_ texts: [ExactText]) -> JSONValue { .strings(texts.map(\.text)) }
    let line: JSONValue = [
      "org_id": .string(tenant.organization), "environment": .string(tenant.environment), "tenant_id": .string(tenant.tenant),
      "width": .string(width), "day": .string(day.iso8601), "build": .int(build), "n": .int(events), "dimensions": names(dimensions),
      "halves": names(halves), "omitted_dimensions": names(omittedDimensions), "measures": names(measures),
      "omitted_measures": names(omittedMeasures), "built_at": Instant(milliseconds: Int64(build)).json,
    ]
    return line.serialized() + "\n"
  }
}
