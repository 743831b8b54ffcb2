import ArgumentParser
import Domain
import Foundation
import Ingest

/// One file of an import: from where an earlier run was interrupted to its end, with a note of how far it is.
struct ImportFile: Sendable {
  let path: String
  let format: ImportFormat
  let mapping: ImportMapping?

  static let now: @Sendable () -> Instant = { Instant(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))) }

  /// How often the note is written.
  private static let noteInterval: Duration = .milliseconds(500)
  /// How long ids are remembered; see docs/events.md.
  private static let memory: Int64 = 7 * 86_400_000

  private var isStandardInput: Bool { path == "-" }
  private var name: String { isStandardInput ? "standard input" : URL(filePath: path).lastPathComponent }
  /// Whether rows are recognised by an id of their own, whatever file they are in.
  private var hasIDs: Bool { mapping?.eventIDColumn != nil }

  func source(skipping rows: Int = 0) throws -> ImportSource {
    try ImportSource(path: path, format: format, mapping: mapping, skipping: rows)
  }

  /// Imports the file and says what became of it.
  ///
  /// - Parameters:
  ///   - state: the folder of notes.
  ///   - restart: begins anew, whatever an earlier run has noted.
  /// - Throws: `ExitCode` 130 when it was interrupted; ``ImportError``.
  func run(_ importer: Importer, state: URL, target: String, restart: Bool) async throws -> ImportSummary {
    let identity = try ImportIdentity(path: path, format: format, mapping: mapping)
    let note = isStandardInput ? nil : ImportCheckpointFile(folder: state, path: path, identity: identity, target: target)
    if restart { note?.remove() }
    let earlier = try note?.read().flatMap { try decided(in: $0, identity) } ?? ImportSummary()
    let before = Self.attributes(path)
    let source = try source(skipping: earlier.rows)
    if earlier.rows > 0 { Console.complain("\(name): an earlier import was interrupted; going on behind row \(earlier.rows)") }

    var bar = ProgressBar(name: name, rowsBefore: earlier.rows)
    var pad = Notepad(file: note, path: path, identity: identity, summary: earlier)
    let summary: ImportSummary
    do {
      summary = try await importer.run(source, identity: identity, after: earlier) {
        bar.update($0)
      } decided: {
        pad.take($0)
      }
    } catch {
      bar.clear()
      let isNoted = pad.write()
      let rows = pad.summary.rows
      if rows > earlier.rows { Console.say(report(pad.summary, bar, rows - earlier.rows)) }
      let hint =
        isStandardInput
        ? "standard input cannot be resumed"
        : isNoted ? "the same command goes on from there" : "rows that are stored already will count once"
      if case ImportError.interrupted = error {
        Console.complain("\(name): interrupted after row \(rows); \(hint)")
        throw ExitCode(130)
      }
      Console.complain("\(name): stopped after row \(rows); \(hint)")
      throw error
    }
    bar.clear()
    note?.remove()
    Console.say(report(summary, bar, summary.rows - earlier.rows))
    if !isStandardInput, Self.attributes(path) != before {
      throw ImportError.unreadable(path: path, reason: "it changed while it was imported; nobody knows which of its rows are there")
    }
    return summary
  }

  /// What an earlier run has decided, as far as it holds for the file as it is now.
  private func decided(in checkpoint: ImportCheckpoint, _ identity: ImportIdentity) throws -> ImportSummary? {
    guard checkpoint.identity.file == identity.file else {
      if hasIDs {
        Console.complain(
          "\(name): it has changed since an import of it was interrupted; beginning anew, stored rows count once by their ids")
        return nil
      }
      throw ImportError.unreadable(
        path: path,
        reason: """
          it has changed since an import of it was interrupted after row \(checkpoint.summary.rows). Bring back the file as it was, or give \
          --restart to import all of this one: rows of the old one that are stored stay, and rows that are in both will count twice
          """)
    }
    if Self.now().milliseconds - checkpoint.savedAt.milliseconds > Self.memory {
      Console.complain(
        "\(name): its import was interrupted more than 7 days ago; of the rows right behind row \(checkpoint.summary.rows) some may count twice"
      )
    }
    return checkpoint.summary
  }

  private func report(_ summary: ImportSummary, _ bar: ProgressBar, _ rowsNow: Int) -> String {
    let seconds = (bar.elapsed / Duration.seconds(1)).formatted(.number.precision(.fractionLength(1)))
    let before = summary.rows > rowsNow ? ", \(summary.rows - rowsNow) rows of them earlier" : ""
    var lines = [
      "\(name): \(summary.accepted) events stored, \(summary.rejected) rows rejected\(before) (\(seconds) s, \(bar.rate(summary.rows)) rows/s)"
    ]
    let place = if case .parquet = format { "row" } else { "line" }
    for reason in summary.reasons {
      let field = reason.field.isEmpty ? "" : " \(reason.field)"
      let more = reason.count > reason.lines.count ? ", …" : ""
      let list = reason.lines.map(String.init).joined(separator: ", ")
      lines.append(
        "  \(reason.count) × \(reason.code.rawValue):\(field) \(reason.expected) (\(place)\(reason.count == 1 ? "" : "s") \(list)\(more))")
    }
    return lines.joined(separator: "\n")
  }

  /// Size and time of change.
  private static func attributes(_ path: String) -> [String] {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return ["\(attributes?[.size] ?? 0)", "\(attributes?[.modificationDate] ?? 0)"]
  }

  /// Writes down what is decided, now and then.
  private struct Notepad {
    let file: ImportCheckpointFile?
    let path: String
    let identity: ImportIdentity
    private(set) var summary: ImportSummary
    private var written: ContinuousClock.Instant?
    private var hasComplained = false

    init(file: ImportCheckpointFile?, path: String, identity: ImportIdentity, summary: ImportSummary) {
      self.file = file
      self.path = path
      self.identity = identity
      self.summary = summary
    }

    mutating func take(_ summary: ImportSummary) {
      self.summary = summary
      let now = ContinuousClock.now
      if let written, now - written < ImportFile.noteInterval { return }
      written = now
      _ = write()
    }

    /// Whether it could be written. Without it an import begins anew, which costs time and counts nothing twice.
    mutating func write() -> Bool {
      guard let file, summary.rows > 0 else { return false }
      do {
        try file.save(ImportCheckpoint(path: path, identity: identity, summary: summary, savedAt: ImportFile.now()))
        return true
      } catch {
        if !hasComplained { Console.complain("it cannot be noted how far the import is: \(error.localizedDescription)") }
        hasComplained = true
        return false
      }
    }
  }
}

extension Console {
  /// Says something beside the output.
  static func complain(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
