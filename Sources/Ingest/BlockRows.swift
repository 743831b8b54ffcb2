package import NIOCore

/// Some rows of the submissions of a block, in their order: as runs of neighbours, because nearly always all rows of a submission are inserted.
package struct BlockRows: Sendable, Hashable {
  /// Neighbouring rows of one submission.
  package struct Run: Sendable, Hashable {
    package let submission: Int
    package var rows: Range<Int>
  }

  package private(set) var runs: [Run] = []
  package private(set) var count = 0

  package init() {}

  /// All rows.
  package init(allOf submissions: [EncodedEvents]) {
    for (index, submission) in submissions.enumerated() { append(submission: index, rows: 0..<submission.count) }
  }

  package var isEmpty: Bool { count == 0 }

  /// Adds rows that come behind all that are there.
  package mutating func append(submission: Int, rows: Range<Int>) {
    guard !rows.isEmpty else { return }
    count += rows.count
    if let last = runs.last, last.submission == submission, last.rows.upperBound == rows.lowerBound {
      runs[runs.count - 1].rows = last.rows.lowerBound..<rows.upperBound
    } else {
      runs.append(Run(submission: submission, rows: rows))
    }
  }

  /// Those whose key is not in `known`, and of several rows with the same key the first.
  package init(of submissions: [EncodedEvents], without known: Set<EventKey>) {
    var seen = known
    for (index, submission) in submissions.enumerated() {
      var start = 0
      for keyed in submission.keyedRows where !seen.insert(submission.key(of: keyed)).inserted {
        append(submission: index, rows: start..<keyed.row)
        start = keyed.row + 1
      }
      append(submission: index, rows: start..<submission.count)
    }
  }

  /// The rows' bytes, one after another.
  package func body(of submissions: [EncodedEvents]) -> ByteBuffer {
    let pieces = runs.map { submissions[$0.submission].bytes(of: $0.rows) }
    var body = ByteBufferAllocator().buffer(capacity: pieces.reduce(0) { $0 + $1.count })
    for piece in pieces { body.writeBytes(piece) }
    return body
  }

  /// Of those that have an event id.
  package func keys(of submissions: [EncodedEvents]) -> [EventKey] {
    var keys: [EventKey] = []
    var submission = -1
    var next = 0
    for run in runs {
      if run.submission != submission { (submission, next) = (run.submission, 0) }
      let events = submissions[submission]
      let keyed = events.keyedRows
      while next < keyed.count, keyed[next].row < run.rows.upperBound {
        if keyed[next].row >= run.rows.lowerBound { keys.append(events.key(of: keyed[next])) }
        next += 1
      }
    }
    return keys
  }

  /// Two halves, cut between submissions where there are several, so that a failure in between cannot leave half of a request stored when that
  /// is avoidable. Nil for a single row.
  package var halves: (BlockRows, BlockRows)? {
    guard count > 1, let first = runs.first, let last = runs.last else { return nil }
    var cut = count / 2
    if first.submission != last.submission {
      let middle = submission(at: cut)
      let start = count(where: { $0 < middle }), end = start + count(where: { $0 == middle })
      cut = start == 0 ? end : end == count ? start : (cut - start <= end - cut ? start : end)
    }
    return split(at: cut)
  }

  private func submission(at position: Int) -> Int {
    var passed = 0
    for run in runs {
      passed += run.rows.count
      if position < passed { return run.submission }
    }
    return runs.last?.submission ?? 0
  }

  private func count(where isMeant: (Int) -> Bool) -> Int {
    runs.reduce(0) { isMeant($1.submission) ? $0 + $1.rows.count : $0 }
  }

  private func split(at cut: Int) -> (BlockRows, BlockRows) {
    var before = BlockRows()
    var after = BlockRows()
    for run in runs {
      let middle = min(run.rows.lowerBound + max(0, cut - before.count - after.count), run.rows.upperBound)
      before.append(submission: run.submission, rows: run.rows.lowerBound..<middle)
      after.append(submission: run.submission, rows: middle..<run.rows.upperBound)
    }
    return (before, after)
  }
}
