public import ClickHouse

/// One statement of a plan.
public struct Statement: Sendable, Hashable {
  /// What the rows are for; the order of a plan's statements is the order in which the shaper wants their rows.
  public enum Purpose: String, Sendable, Hashable {
    case result, previous, values, rows, tenants, overview, dimensions, measures, tenantData
  }

  public let purpose: Purpose
  public let sql: SQL
  /// The same question from bounded memory and less exact, for when the server answers that `sql` needs too much of it.
  public let fallback: SQL?

  init(_ purpose: Purpose, _ sql: SQL, fallback: SQL? = nil) {
    self.purpose = purpose
    self.sql = sql
    self.fallback = fallback
  }
}
