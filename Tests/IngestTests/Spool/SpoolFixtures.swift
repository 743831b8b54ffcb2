import Domain
import Foundation
import Ingest
import Logging

/// A segment in memory.
struct BytesInMemory: SegmentBytes {
  var bytes: [UInt8]
  var size: Int { bytes.count }
  func read(at offset: Int, count: Int) -> [UInt8] { Array(bytes[offset..<min(offset + count, bytes.count)]) }
}

/// A record of `rows` rows; what is in them does not matter to the files.
func record(_ sequence: UInt64, token: String? = nil, rows: Int = 1, length: Int = 20) -> SpoolRecord {
  SpoolRecord(
    sequence: sequence, storedAt: noon, rowCount: rows, token: token,
    rows: (0..<length).map { UInt8(truncatingIfNeeded: Int(sequence) * 31 + $0 * 7) })
}

/// Events as a block of the spool.
func block(_ ids: [String?], tenant: String = "acme", scope: IngestScope, token: String? = nil, at time: Instant = noon) -> SpoolBlock {
  let events = ids.map { id -> Event in
    var event = Event(tenantID: TenantID(tenant), eventName: "api_call", timestamp: time)
    event.eventID = id
    return event
  }
  return SpoolBlock(token: token, rows: EncodedEvents(events, scope: scope).bytes, rowCount: events.count)
}

/// A folder of a test's own.
struct SpoolFolder {
  let path = FileManager.default.temporaryDirectory.appending(path: "emban-spool-\(UUID().uuidString)").path(percentEncoded: false)

  func open(limit: Int = 64 << 20, segmentBytes: Int = 1 << 20) throws -> Spool {
    var logger = Logger(label: "spool")
    logger.logLevel = .critical
    return try Spool(.init(path: path, limit: limit, segmentBytes: segmentBytes), clock: { noon }, logger: logger)
  }

  var segments: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: path))?.filter { $0.hasSuffix(".segment") }.sorted() ?? []
  }

  var setAside: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path + "/set-aside"))?.sorted() ?? [] }

  func bytes(of segment: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path + "/" + segment))) }

  func write(_ bytes: [UInt8], to segment: String) throws { try Data(bytes).write(to: URL(filePath: path + "/" + segment)) }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}

/// A logger that says nothing, for what fails on purpose.
var quiet: Logger {
  var logger = Logger(label: "quiet")
  logger.logLevel = .critical
  return logger
}
