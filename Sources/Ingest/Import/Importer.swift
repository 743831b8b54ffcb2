public import Domain

/// How far an import is.
public struct ImportProgress: Sendable {
  /// How much of the file has been read, from 0 to 1; nil when its size is not known.
  public var share: Double?
  /// Rows that have been decided, those of earlier runs included.
  public var rows: Int
  public var accepted: Int
  public var rejected: Int
}

/// Sends the rows of files through the validator into a sink, a few batches at a time.
public struct Importer: Sendable {
  private let sink: any EventSink
  private let validator = EventValidator()
  private let now: @Sendable () -> Instant
  private let batchesInFlight: Int

  public init(sink: any EventSink, batchesInFlight: Int = 4, now: @escaping @Sendable () -> Instant) {
    self.sink = sink
    self.batchesInFlight = batchesInFlight
    self.now = now
  }

  /// Imports one file, from the place where `source` begins.
  ///
  /// - Parameters:
  ///   - identity: gives rows without an id one of their own, by which they count once however often they are sent. Nil: they stay without.
  ///   - earlier: what became of the rows that `source` leaves out.
  ///   - progress: called after every batch.
  ///   - decided: called with what became of all rows up to one, after every batch: a later run may begin behind them.
  /// - Throws: ``ImportError`` for the file, ``ImportError/interrupted`` when the task was cancelled, what the sink throws; each after what was
  ///   sent already is decided as far as it can be.
  public func run(
    _ source: ImportSource, identity: ImportIdentity? = nil, after earlier: ImportSummary = ImportSummary(),
    progress: (ImportProgress) -> Void = { _ in }, decided: (ImportSummary) throws -> Void = { _ in }
  ) async throws -> ImportSummary {
    var ledger = Ledger(summary: earlier)
    var failure: (any Error)?
    try await withThrowingTaskGroup(of: Batch.self) { group in
      var sent = 0
      var running = 0
      while true {
        var rows: [ImportRow]?
        if failure == nil {
          do {
            if Task.isCancelled { throw ImportError.interrupted }
            rows = try source.next(Limits.eventsPerRequest)
          } catch {
            failure = error
          }
        }
        if let rows {
          let place = sent
          group.addTask { try await send(rows, identity, place) }
          sent += 1
          running += 1
        }
        while running > 0, rows == nil || running >= batchesInFlight {
          do {
            // Batches end in any order; a row counts as decided when all before it are.
            if let batch = try await group.next(), ledger.enter(batch) {
              try decided(ledger.summary)
              progress(
                ImportProgress(
                  share: source.share, rows: ledger.summary.rows, accepted: ledger.summary.accepted, rejected: ledger.summary.rejected))
            }
          } catch {
            failure = failure ?? (error is CancellationError ? ImportError.interrupted : error)
          }
          running -= 1
        }
        if rows == nil { break }
      }
    }
    if let failure { throw failure }
    return ledger.summary
  }

  /// What became of the rows from the first on without a gap, and batches beyond a gap.
  private struct Ledger {
    private(set) var summary: ImportSummary
    private var next = 0
    private var waiting: [Int: Batch] = [:]

    init(summary: ImportSummary) { self.summary = summary }

    /// Whether more is decided now.
    mutating func enter(_ batch: Batch) -> Bool {
      waiting[batch.place] = batch
      let before = next
      while let batch = waiting.removeValue(forKey: next) {
        batch.count(into: &summary)
        next += 1
      }
      return next > before
    }
  }

  private struct Batch: Sendable {
    let place: Int
    let lines: [Int]
    let accepted: Int
    let rejections: [Rejection]

    func count(into summary: inout ImportSummary) {
      summary.rows += lines.count
      summary.accepted += accepted
      for rejection in rejections { summary.reject(rejection, line: lines[rejection.index]) }
    }
  }

  private func send(_ rows: [ImportRow], _ identity: ImportIdentity?, _ place: Int) async throws -> Batch {
    var validated = validator.validate(rows.map(\.event), now: now())
    if let identity {
      for (index, row) in validated.acceptedIndices.enumerated() where validated.accepted[index].eventID == nil {
        validated.accepted[index].eventID = identity.eventID(row: rows[row].number)
      }
    }
    var accepted = 0
    var rejections = validated.rejections
    if !validated.accepted.isEmpty {
      let receipt = try await sink.send(validated.accepted)
      accepted = receipt.accepted
      for var rejection in receipt.rejections {
        rejection.index = validated.acceptedIndices[rejection.index]
        rejections.append(rejection)
      }
    }
    return Batch(place: place, lines: rows.map(\.line), accepted: accepted, rejections: rejections.sorted { $0.index < $1.index })
  }
}
