import Foundation

/// ClickHouse's notes of which insert made which part, by which it knows a repetition: `deduplication_logs` in the folder of a table.
///
/// ClickHouse 25.8 writes the note a moment before it puts the part in its place. Killed in between it would ignore the repetition of an
/// insert whose rows it never stored. Both steps are taken under one lock of the table, so that only its last note can speak of a part that
/// is not there. It is taken back before the server starts again; then the repetition stores the rows (docs/adr/0010-spool.md).
///
/// Killed within the note it leaves a part of a line, goes on writing behind it, and at the start after that reads no further: inserts would be
/// repeated twice (seen: three of three). The insert of a torn note has no part yet either: it is cut off.
enum DeduplicationLogs {
  /// Far more than a note takes, which is a part's name and a hash or a token.
  private static let longestNote = 65_536

  /// Takes back what speaks of parts that are not there. Only while no server runs on the folder.
  ///
  /// - Parameter data: the server's folder of data.
  /// - Parameter failed: told of the log of a table that cannot be read or shortened; the others are repaired all the same.
  /// - Returns: the parts, `store/…/202611_7_7_0`.
  static func repair(_ data: String, failed: (_ log: String, _ error: any Error) -> Void = { _, _ in }) -> [String] {
    let store = URL(fileURLWithPath: data).appendingPathComponent("store")
    var missing: [String] = []
    for table in children(of: store).flatMap(children) {
      let folder = table.appendingPathComponent("deduplication_logs")
      do {
        if let part = try repair(logs: children(of: folder), parts: table) {
          missing.append(
            "\(store.lastPathComponent)/\(table.deletingLastPathComponent().lastPathComponent)/\(table.lastPathComponent)/\(part)")
        }
      } catch {
        failed(folder.path, error)
      }
    }
    return missing
  }

  /// - Returns: the part of which the notes were taken back.
  private static func repair(logs: [URL], parts table: URL) throws -> String? {
    let numbered = logs.compactMap { log in number(of: log).map { (number: $0, log: log) } }.sorted { $0.number > $1.number }
    for log in numbered { try cutOffTornNote(log.log) }
    // A new one is begun while the one before it is full.
    guard let newest = numbered.first(where: { ServerFiles.size(of: $0.log.path) > 0 })?.log else { return nil }
    guard let part = try shorten(newest, parts: table) else { return nil }
    // Versions that know an insert by two hashes write a note for each.
    while try shorten(newest, parts: table, onlyOf: part) != nil {}
    return part
  }

  /// What stands behind the end of the last whole line.
  private static func cutOffTornNote(_ log: URL) throws {
    guard ServerFiles.size(of: log.path) > 0 else { return }
    let file = try FileHandle(forUpdating: log)
    defer { try? file.close() }
    let (start, tail) = try lastBytes(of: file)
    guard tail.last != UInt8(ascii: "\n") else { return }
    let end = tail.lastIndex(of: UInt8(ascii: "\n")).map { start + UInt64($0 - tail.startIndex) + 1 }
    // Something else than a log of notes, if so much is no line.
    guard let end = end ?? (start == 0 ? 0 : nil) else { return }
    try file.truncate(atOffset: end)
    try file.synchronize()
  }

  /// Enough for the last note, and where it begins in the file.
  private static func lastBytes(of file: FileHandle) throws -> (start: UInt64, bytes: Data) {
    let size = try file.seekToEnd()
    let start = size - min(size, UInt64(longestNote))
    try file.seek(toOffset: start)
    return (start, try file.readToEnd() ?? Data())
  }

  /// - Returns: the part of which the last note was taken back.
  private static func shorten(_ log: URL, parts table: URL, onlyOf wanted: String? = nil) throws -> String? {
    let file = try FileHandle(forUpdating: log)
    defer { try? file.close() }
    let (start, tail) = try lastBytes(of: file)
    // What an interrupted write left is not a note.
    guard let end = tail.lastIndex(of: UInt8(ascii: "\n")) else { return nil }
    let begin = tail[..<end].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? tail.startIndex
    // Operation (1: added, 2: dropped), part, token.
    let fields = String(decoding: tail[begin..<end], as: UTF8.self).split(separator: "\t", omittingEmptySubsequences: false)
    guard fields.count == 3, fields[0] == "1", let part = PartName(fields[1]) else { return nil }
    if let wanted, wanted != fields[1] { return nil }
    guard !children(of: table).contains(where: { PartName($0.lastPathComponent)?.covers(part) ?? false }) else { return nil }
    try file.truncate(atOffset: start + UInt64(begin - tail.startIndex))
    try file.synchronize()
    return String(fields[1])
  }

  private static func children(of folder: URL) -> [URL] {
    (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
  }

  /// Of `deduplication_log_12.txt`.
  private static func number(of log: URL) -> Int? {
    guard log.lastPathComponent.hasPrefix("deduplication_log_"), log.pathExtension == "txt" else { return nil }
    return Int(log.deletingPathExtension().lastPathComponent.dropFirst("deduplication_log_".count))
  }

  /// `202611_1_7_2`: the month, the first and the last of the inserts that are in it, how often it was merged, and perhaps a mutation.
  private struct PartName {
    let partition: Substring
    let inserts: ClosedRange<Int>

    init?(_ name: some StringProtocol) {
      let fields = Substring(name).split(separator: "_", omittingEmptySubsequences: false)
      guard fields.count == 4 || fields.count == 5, let first = Int(fields[1]), let last = Int(fields[2]), first <= last,
        fields[3...].allSatisfy({ Int($0) != nil })
      else { return nil }
      partition = fields[0]
      inserts = first...last
    }

    func covers(_ other: PartName) -> Bool {
      partition == other.partition && inserts.lowerBound <= other.inserts.lowerBound && inserts.upperBound >= other.inserts.upperBound
    }
  }
}
