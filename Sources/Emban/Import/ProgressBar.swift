import Foundation
import Ingest

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A line on the terminal that shows how far an import is; nothing when standard error is not a terminal.
struct ProgressBar {
  private let name: String
  private let isShown = isatty(STDERR_FILENO) == 1
  private let started = ContinuousClock.now
  private var drawn: ContinuousClock.Instant?

  init(name: String) { self.name = name }

  /// Draws at most ten times a second.
  mutating func update(_ progress: ImportProgress) {
    guard isShown else { return }
    let now = ContinuousClock.now
    if let drawn, now - drawn < .milliseconds(100) { return }
    drawn = now
    var line = "\r\u{1B}[K\(name)  "
    if let total = progress.totalBytes, total > 0 {
      let share = min(1, Double(progress.bytesRead) / Double(total))
      let filled = Int((share * 24).rounded(.down))
      line += "[" + String(repeating: "█", count: filled) + String(repeating: "·", count: 24 - filled) + "] \(Int(share * 100)) %  "
    }
    line += "\(progress.rows) rows, \(rate(progress.rows, until: now))/s"
    if progress.rejected > 0 { line += ", \(progress.rejected) rejected" }
    write(line)
  }

  /// Takes the line away.
  func clear() {
    if isShown, drawn != nil { write("\r\u{1B}[K") }
  }

  /// Rows a second since the beginning.
  func rate(_ rows: Int, until now: ContinuousClock.Instant = .now) -> Int {
    let elapsed = (now - started) / Duration.seconds(1)
    return elapsed > 0 ? Int(Double(rows) / elapsed) : 0
  }

  var elapsed: Duration { ContinuousClock.now - started }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
