import ClickHouse
import Domain
import NIOCore

/// Why an operation on the event table did not succeed, as far as it matters for what to do next. `cause` is for the log.
enum StoreFailure: Error, Sendable {
  /// The store is not there or is too busy: the same again may succeed.
  case away(cause: String)
  /// The data itself was refused: the same again cannot succeed.
  case refused(cause: String)

  var cause: String {
    switch self {
    case .away(let cause), .refused(let cause): cause
    }
  }
}

/// The two tables of ClickHouse that ingestion touches: `emban.events`, which it writes, and `emban.event_ids`, which ClickHouse fills
/// within the same insert and which ingestion reads.
struct EventTable: Sendable {
  private let client: ClickHouseClient
  private let metrics: IngestMetrics?
  private let duplicates: DuplicateRepair?

  /// - Parameter duplicates: where other programs write, too: takes out again what they store at the same moment.
  init(client: ClickHouseClient, metrics: IngestMetrics? = nil, duplicates: DuplicateRepair? = nil) {
    self.client = client
    self.metrics = metrics
    self.duplicates = duplicates
  }

  /// A token that makes repetitions of one insert count once.
  static func makeToken() -> String {
    var generator = SystemRandomNumberGenerator()
    return String(generator.next() as UInt64, radix: 36) + String(generator.next() as UInt64, radix: 36)
  }

  /// Inserts rows as ``EncodedEvents`` writes them. Every event of a customer comes through here, directly or out of the spool.
  /// - Parameters:
  ///   - body: the rows, `rows` of them.
  ///   - keys: of the rows that have an event id. None of them was stored when that was last looked up.
  ///   - token: the same for the same rows, whenever they are inserted.
  ///   - sent: is set once the store may have heard of them.
  func insert(
    _ body: ByteBuffer, rows: Int, keys: [EventKey], token: String, timeout: Duration = .seconds(30), sent: SendMark? = nil
  ) async throws(StoreFailure) {
    let begin = ContinuousClock.now
    try await insert(body, token: token, timeout: timeout, sent: sent)
    metrics?.inserted(rows: rows, in: .now - begin)
    if let duplicates, !keys.isEmpty { await duplicates.repair(keys) }
  }

  /// What tells the rows of an insert from those of every other: the same in all attempts with a token. FNV-1a,
  /// http://www.isthe.com/chongo/tech/comp/fnv/
  static func batch(of token: String) -> UInt64 {
    token.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// Inserts rows as ``EncodedEvents`` writes them.
  func insert(
    _ rows: ByteBuffer, token: String, timeout: Duration = .seconds(30), sent: SendMark? = nil
  ) async throws(StoreFailure) {
    do {
      try await client.insert(
        into: "emban.events", columns: EncodedEvents.columns, format: "RowBinary", body: rows, deduplicationToken: token,
        settings: [
          "input_format_binary_read_json_as_string": "1",
          // The column's default is this setting.
          "SQL_emban_batch": String(Self.batch(of: token)),
          // Rows are cut into blocks the same way on every repetition: the token counts blocks.
          "input_format_parallel_parsing": "0",
          // Every month since 1970 fits into one insert: what a sender backfills is the sender's affair.
          "max_partitions_per_insert_block": "1000",
        ],
        timeout: timeout, sent: sent)
    } catch {
      throw Self.classified(error)
    }
  }

  /// Which of the keys were stored within the last seven days.
  func storedKeys(among keys: some Sequence<EventKey>, timeout: Duration) async throws(StoreFailure) -> Set<EventKey> {
    var stored: Set<EventKey> = []
    for group in KeyGroup.of(keys) {
      let sql: SQL = "SELECT DISTINCT tenant_id, event_id FROM \(identifier: "emban.event_ids") WHERE \(group.condition)"
      do {
        let answer = try await client.query(sql, as: .admin, timeout: timeout)
        stored.formUnion(answer.rows.compactMap { EventKey(scope: group.scope, row: $0) })
      } catch {
        // Whatever a look-up fails with, it is not the fault of an event.
        throw .away(cause: String(describing: error))
      }
    }
    return stored
  }

  private static func classified(_ error: any Error) -> StoreFailure {
    guard case ClickHouseError.exception(let exception) = error, dataErrors.contains(exception.code) else {
      return .away(cause: String(describing: error))
    }
    return .refused(cause: String(describing: error))
  }

  /// The exceptions with which ClickHouse objects to the bytes of an insert. Everything else (also what is unknown) counts as the
  /// store being away: a wrong table or user must never be taken for a bad event, which would lose it.
  /// https://github.com/ClickHouse/ClickHouse/blob/25.8/src/Common/ErrorCodes.cpp
  private static let dataErrors: Set<Int> = [
    6,  // CANNOT_PARSE_TEXT
    25, 26, 27,  // CANNOT_PARSE_ESCAPE_SEQUENCE, …QUOTED_STRING, …INPUT_ASSERTION_FAILED
    32, 33,  // ATTEMPT_TO_READ_AFTER_EOF, CANNOT_READ_ALL_DATA
    38, 41,  // CANNOT_PARSE_DATE, …DATETIME
    53,  // TYPE_MISMATCH
    69, 70, 72,  // ARGUMENT_OUT_OF_BOUND, CANNOT_CONVERT_TYPE, CANNOT_PARSE_NUMBER
    117,  // INCORRECT_DATA
    130, 131,  // CANNOT_READ_ARRAY_FROM_TEXT, TOO_LARGE_STRING_SIZE
    321, 349,  // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE, CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    407, 467,  // DECIMAL_OVERFLOW, CANNOT_PARSE_BOOL
    469,  // VIOLATED_CONSTRAINT
  ]
}
