public import Domain

/// How far an import is.
public struct ImportProgress: Sendable {
  public var bytesRead: Int
  /// Nil when the size is not known.
  public var totalBytes: Int?
  /// Rows that have been decided.
  public var rows: Int
  public var accepted: Int
  public var rejected: Int
}

/// What became of the rows of an import.
public struct ImportSummary: Sendable {
  /// The rows that were rejected for one reason.
  public struct Reason: Sendable {
    public let code: RejectionCode
    public let field: String
    public var count: Int
    /// Of the first rejected rows, at most ``ImportSummary/listedLines``.
    public var lines: [Int]
    /// What was expected, of the first such row.
    public let expected: String
  }

  public static let listedLines = 5

  public internal(set) var rows = 0
  public internal(set) var accepted = 0
  /// The most frequent first.
  public var reasons: [Reason] { table.values.sorted { ($1.count, $0.code.rawValue) < ($0.count, $1.code.rawValue) } }
  public var rejected: Int { rows - accepted }

  private struct Key: Hashable {
    let code: RejectionCode
    let field: String
  }

  private var table: [Key: Reason] = [:]

  public init() {}

  mutating func reject(_ rejection: Rejection, line: Int) {
    // Field names may come from the file; their number must not grow without bound.
    let field = table.count < 100 ? rejection.field : ""
    let key = Key(code: rejection.code, field: field)
    var reason =
      table[key] ?? Reason(code: rejection.code, field: field, count: 0, lines: [], expected: rejection.expected)
    reason.count += 1
    if reason.lines.count < Self.listedLines { reason.lines = (reason.lines + [line]).sorted() }
    table[key] = reason
  }
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

  /// Imports one file. `progress` is called after every batch.
  ///
  /// - Throws: ``ImportError`` for the file; what the sink throws. Rows that were sent before stay stored.
  public func run(
    _ source: ImportSource, progress: (ImportProgress) -> Void = { _ in }
  ) async throws -> ImportSummary {
    var summary = ImportSummary()
    try await withThrowingTaskGroup(of: Batch.self) { group in
      var running = 0
      while true {
        let rows = try source.next(Limits.eventsPerRequest)
        if let rows {
          group.addTask { try await send(rows) }
          running += 1
        }
        while running > 0, rows == nil || running >= batchesInFlight {
          if let batch = try await group.next() { batch.count(into: &summary) }
          running -= 1
          progress(
            ImportProgress(
              bytesRead: source.bytesRead, totalBytes: source.totalBytes, rows: summary.rows, accepted: summary.accepted,
              rejected: summary.rejected))
        }
        if rows == nil { break }
      }
    }
    return summary
  }

  private struct Batch: Sendable {
    let lines: [Int]
    let accepted: Int
    let rejections: [Rejection]

    func count(into summary: inout ImportSummary) {
      summary.rows += lines.count
      summary.accepted += accepted
      for rejection in rejections { summary.reject(rejection, line: lines[rejection.index]) }
    }
  }

  private func send(_ rows: [ImportRow]) async throws -> Batch {
    let validated = validator.validate(rows.map(\.event), now: now())
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
    return Batch(lines: rows.map(\.line), accepted: accepted, rejections: rejections.sorted { $0.index < $1.index })
  }
}
