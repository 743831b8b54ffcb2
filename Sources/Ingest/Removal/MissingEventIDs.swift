public import ClickHouse
import Domain
public import Logging

/// Writes down the ids of events whose insert was cut off in the middle.
///
/// ClickHouse stores the rows of an insert first and their ids after that. Killed in between, it has events whose ids nobody finds: sent again,
/// as their sender must, they would count twice. So, before anything is looked up, the ids of such inserts are completed from the events
/// themselves. An insert is recognised by its `batch`.
public enum MissingEventIDs {
  /// To be called before the program takes events.
  public static func complete(client: ClickHouseClient, logger: Logger) async throws {
    let found = try await client.query(
      "SELECT count() \(cutOff)", as: .admin, settings: ["max_threads": "2"], timeout: .seconds(60))
    guard let count = found.scalar?.numberValue, count > 0 else { return }
    try await client.execute(
      """
      INSERT INTO \(identifier: "emban.event_ids") (org_id, environment, tenant_id, event_id, timestamp, ingested_at, batch)
      SELECT org_id, environment, tenant_id, event_id, timestamp, ingested_at, batch \(cutOff)
      """, timeout: .seconds(300))
    logger.notice("the ids of inserts that were cut off are written down", metadata: ["events": "\(Int(count))"])
  }

  /// The events of inserts without ids, among the latest: an insert ends, one way or another, well within five minutes.
  private static var cutOff: SQL {
    let recent: SQL = """
      ingested_at >= (SELECT max(ingested_at) FROM \(identifier: "emban.events")) - INTERVAL 5 MINUTE
      """
    return """
      FROM \(identifier: "emban.events") WHERE \(recent) AND event_id != '' AND batch != 0 \
      AND batch NOT IN (SELECT batch FROM \(identifier: "emban.event_ids") WHERE \(recent))
      """
  }
}
