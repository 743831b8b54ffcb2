/// The numbered migrations of both stores, compiled into the program so that a binary and its schema can never disagree.
///
/// The build names an embedded file after its own name with the first digit and the dot replaced by `_`: `0001_events.sql` is
/// `PackageResources._001_events_sql`.
public enum Schema {
  /// One migration: `name` is its file name without the extension (`0001_events`), `sql` its whole text.
  public struct Migration: Sendable, Hashable {
    public let name: String
    public let sql: String

    init(_ name: String, _ bytes: [UInt8]) {
      self.name = name
      self.sql = String(decoding: bytes, as: UTF8.self)
    }
  }

  /// ClickHouse migrations, in the order in which they are applied.
  public static let clickhouse: [Migration] = [
    Migration("0001_events", PackageResources._001_events_sql),
    Migration("0002_rollups", PackageResources._002_rollups_sql),
    Migration("0003_batches", PackageResources._003_batches_sql),
    Migration("0004_configuration_store", PackageResources._004_configuration_store_sql),
  ]

  /// Who may read what in ClickHouse: stated anew at every start.
  public static let clickhouseAccess = String(decoding: PackageResources.access_sql, as: UTF8.self)

  /// Configuration-store migrations (SQLite and PostgreSQL), in the order in which they are applied.
  public static let config: [Migration] = [
    Migration("0001_organizations", PackageResources._001_organizations_sql),
    Migration("0002_leases", PackageResources._002_leases_sql),
    Migration("0003_cache_generations", PackageResources._003_cache_generations_sql),
    Migration("0004_removals", PackageResources._004_removals_sql),
    Migration("0005_data_apps", PackageResources._005_data_apps_sql),
    Migration("0006_viewers", PackageResources._006_viewers_sql),
    Migration("0007_store", PackageResources._007_store_sql),
    Migration("0008_team", PackageResources._008_team_sql),
    Migration("0009_deleted_organizations", PackageResources._009_deleted_organizations_sql),
    Migration("0010_links", PackageResources._010_links_sql),
  ]
}
