import Foundation
import Ingest

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Shows on standard error how far an import is: a line that is drawn again and again on a terminal, otherwise a line every ten seconds.
struct ProgressBar {
  private let name: String
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let started = ContinuousClock.now
  private var drawn: ContinuousClock.Instant
  private var isDrawn = false
  /// Rows and share of the file that were there before this run.
  private let rowsBefore: Int
  private var shareBefore: Double?

  init(name: String, rowsBefore: Int = 0) {
    self.name = name
    self.rowsBefore = rowsBefore
    drawn = started
  }

  /// Draws at most ten times a second.
  mutating func update(_ progress: ImportProgress) {
    let now = ContinuousClock.now
    // The first batches of an import that goes on come after what it passed over.
    if shareBefore == nil { shareBefore = rowsBefore > 0 ? progress.share : 0 }
    guard now - drawn >= (isTerminal ? .milliseconds(100) : .seconds(10)) else { return }
    drawn = now
    var line = isTerminal ? "\r\u{1B}[K\(name)  " : "\(name): "
    if let share = progress.share {
      if isTerminal {
        let filled = Int((share * 24).rounded(.down))
        line += "[" + String(repeating: "█", count: filled) + String(repeating: "·", count: 24 - filled) + "] "
      }
      line += "\(Int(share * 100)) %, "
    }
    line += "\(progress.rows) rows, \(rate(progress.rows, until: now))/s"
    if progress.rejected > 0 { line += ", \(progress.rejected) rejected" }
    if let left = remaining(progress.share, until: now) { line += ", \(Self.words(left)) left" }
    write(isTerminal ? line : line + "\n")
    isDrawn = true
  }

  /// Takes the line away.
  func clear() {
    if isTerminal, isDrawn { write("\r\u{1B}[K") }
  }

  /// Rows a second since the beginning of this run.
  func rate(_ rows: Int, until now: ContinuousClock.Instant = .now) -> Int {
    let elapsed = (now - started) / Duration.seconds(1)
    return elapsed > 0 ? Int(Double(rows - rowsBefore) / elapsed) : 0
  }

  var elapsed: Duration { ContinuousClock.now - started }

  /// The time that the rest will take if it goes on as it has gone.
  private func remaining(_ share: Double?, until now: ContinuousClock.Instant) -> Double? {
    guard let share, let shareBefore, share > shareBefore, share < 1 else { return nil }
    return (now - started) / Duration.seconds(1) * (1 - share) / (share - shareBefore)
  }

  /// `40 s`, `3 min 20 s`, `2 h 5 min`.
  static func words(_ seconds: Double) -> String {
    let whole = Int(max(1, seconds.rounded(.up)))
    switch whole {
    case ..<60: return "\(whole) s"
    case ..<3600: return "\(whole / 60) min \(whole % 60) s"
    default: return "\(whole / 3600) h \(whole / 60 % 60) min"
    }
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
