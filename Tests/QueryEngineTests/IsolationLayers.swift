import ClickHouse
import Domain
import QueryEngine
import TestSupport

/// Runs one statement with both layers, with each of the two switched off, and with none.
///
/// Nothing of the program is changed for it: the row policies are switched off by running the statement as the administrator, for whom none
/// holds; the conditions by pointing them at somebody else, or by taking them out of the text.
struct IsolationLayers: Sendable {
  let client: ClickHouseClient
  /// Whose rows are seen.
  let own: ScopeSettings
  /// Whose rows are not.
  let foreign: [ScopeSettings]

  struct Findings: Sendable {
    var faults: [String] = []
    /// Whether the statement sees anything at all, and whether it would see more with both layers off: otherwise it proves nothing.
    var seesOwnRows = false
    var wouldSeeForeignRows = false
  }

  private var role: DatabaseRole { own.tenant == nil ? .analyst(own) : .viewer(own) }

  private var nobody: DatabaseRole {
    let nothing = ScopeSettings(organization: "", environment: "", tenant: nil)
    return own.tenant == nil ? .analyst(nothing) : .viewer(nothing)
  }

  func findings(_ sql: SQL) async throws -> Findings {
    var findings = Findings()
    let both = try await rows(sql, role)
    let nothing = try await rows(
      sql.rewritten(for: ScopeSettings(organization: "none", environment: "none", tenant: "none")), .admin)
    if try await rows(sql.rewritten(for: nil), role) != both { findings.faults.append("the row policies alone let others in") }
    if try await rows(sql, .admin) != both { findings.faults.append("the conditions alone let others in") }
    if try await rows(sql, nobody) != nothing { findings.faults.append("without a scope there are rows") }
    for other in foreign where try await rows(sql.rewritten(for: other), role) != nothing {
      findings.faults.append("the row policies let a statement for \(other) through")
    }
    findings.seesOwnRows = both != nothing
    findings.wouldSeeForeignRows = try await rows(sql.rewritten(for: nil), .admin) != both
    return findings
  }

  /// The rows in an order of their own; sums may differ in their last digits.
  private func rows(_ sql: SQL, _ role: DatabaseRole) async throws -> [String] {
    try await client.query(sql, as: role).rows.map { JSONValue.array($0.map(Self.rounded)).serialized() }.sorted()
  }

  private static func rounded(_ value: JSONValue) -> JSONValue {
    guard let number = value.numberValue, number != number.rounded() else { return value }
    return .number((number * 1e6).rounded() / 1e6)
  }

  /// How often the statement reads a table of customers' rows, and how often it names a scope.
  static func references(in sql: SQL) -> (tables: Int, scopes: Int) {
    (
      sql.text.matches(of: #/(?:FROM|JOIN) `emban`\.`/#).count,
      sql.text.matches(of: #/org_id = \{p\d+:String\} AND environment = \{p\d+:String\}/#).count
    )
  }
}
