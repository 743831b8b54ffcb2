import AsyncHTTPClient
import Domain
import NIOCore

/// The answer of a statement that somebody wrote: as much of it as was asked for.
public struct AdHocAnswer: Sendable {
  public let columns: [QueryRows.Column]
  /// The rows as the server wrote them: a JSON array each, separated by commas. They are not read here, so that no number loses digits.
  public let rows: [UInt8]
  public let rowCount: Int
  /// Whether there was more.
  public let isTruncated: Bool
}

/// Cuts an answer of the format ``ResponseDecoder/format`` into rows as it comes, and knows when it is enough.
struct AdHocCollector {
  private let maximumRows: Int
  private let maximumBytes: Int
  private var header: [[JSONValue]] = []
  private var rows: [UInt8] = []
  private var rowCount = 0
  private var isTruncated = false
  /// The beginning of a line whose end has not come.
  private var rest: [UInt8] = []
  /// What is no row: the exception that ends an answer.
  private var tail: [UInt8] = []

  init(maximumRows: Int, maximumBytes: Int) {
    self.maximumRows = maximumRows
    self.maximumBytes = maximumBytes
  }

  /// - Returns: whether more is wanted.
  mutating func take(_ part: ByteBuffer) throws -> Bool {
    var bytes = part.readableBytesView[...]
    while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
      rest.append(contentsOf: bytes[..<end])
      bytes = bytes[(end + 1)...]
      let line = rest
      rest.removeAll(keepingCapacity: true)
      guard try takeLine(line) else { return false }
    }
    rest.append(contentsOf: bytes)
    guard rows.count + rest.count <= maximumBytes || !tail.isEmpty else {
      isTruncated = true
      return false
    }
    return tail.count < 65_536
  }

  private mutating func takeLine(_ line: [UInt8]) throws -> Bool {
    if !tail.isEmpty || (line.first != UInt8(ascii: "[") && !line.isEmpty && line != [UInt8(ascii: "\r")]) {
      tail += line + [UInt8(ascii: "\n")]
      return true
    }
    guard line.first == UInt8(ascii: "[") else { return true }
    if header.count < 2 {
      do {
        header.append(try JSONParser.parse(line).arrayValue ?? [])
      } catch {
        throw ClickHouseError.protocolError("the columns of an answer: \(error.reason) at byte \(error.offset)")
      }
      return true
    }
    guard rowCount < maximumRows, rows.count + line.count < maximumBytes else {
      isTruncated = true
      return false
    }
    if rowCount > 0 { rows.append(UInt8(ascii: ",")) }
    rows += line
    rowCount += 1
    return true
  }

  /// The exception that ended the answer, if one did.
  var exception: ClickHouseException? {
    let all = tail + rest
    return all.withUnsafeBytes { ResponseDecoder.exception(in: $0) }
  }

  func answer() throws -> AdHocAnswer {
    if let exception { throw ClickHouseError.exception(exception) }
    guard tail.isEmpty, isTruncated || rest.isEmpty else { throw ClickHouseError.protocolError("a line that is not a row") }
    guard header.count == 2, header[0].count == header[1].count else {
      throw ClickHouseError.protocolError("the columns' types are missing")
    }
    return AdHocAnswer(
      columns: zip(header[0], header[1]).map { QueryRows.Column(name: $0.stringValue ?? "", type: $1.stringValue ?? "") }, rows: rows,
      rowCount: rowCount, isTruncated: isTruncated)
  }
}

private struct AdHocDeadline: Error {}

extension ClickHouseClient {
  /// Runs a statement that somebody wrote, and reads no more of its answer than is wanted; the server is then told to stop. So it is
  /// when the task is cancelled.
  ///
  /// - Parameters:
  ///   - statement: one SELECT; what else it may be is for the database to refuse.
  ///   - timeout: a little longer than the database's own. There are statements that do not look at that.
  /// - Throws: ``ClickHouseError``.
  public func answer(
    adHoc statement: SQL, as reader: SQLReader, comment: String, maximumRows: Int, maximumBytes: Int, timeout: Duration
  ) async throws -> AdHocAnswer {
    let id = "\(reader.name)-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    do {
      let answer = try await withThrowingTaskGroup(of: AdHocAnswer.self) { group in
        defer { group.cancelAll() }
        group.addTask {
          try await self.collect(
            statement, as: reader, comment: comment, id: id, patience: timeout,
            AdHocCollector(maximumRows: maximumRows, maximumBytes: maximumBytes))
        }
        group.addTask {
          try await Task.sleep(for: timeout)
          throw AdHocDeadline()
        }
        guard let answer = try await group.next() else { throw CancellationError() }
        return answer
      }
      if answer.isTruncated { await end(id) }
      return answer
    } catch is AdHocDeadline {
      await end(id)
      throw ClickHouseError.exception(ClickHouseException(code: 159, message: "the client's deadline passed"))
    } catch {
      if case ClickHouseError.exception = error { throw error }
      await end(id)
      throw error
    }
  }

  /// The server sees that nobody listens any more when it has read something next, which a statement may never do. In a task of its own:
  /// whoever ends a statement has mostly been cancelled.
  private func end(_ id: String) async {
    await Task { try? await execute("KILL QUERY WHERE query_id = \(SQL(trusted: "'\(id)'")) ASYNC", timeout: .seconds(5)) }.value
  }

  private func collect(
    _ statement: SQL, as reader: SQLReader, comment: String, id: String, patience: Duration, _ collector: AdHocCollector
  ) async throws -> AdHocAnswer {
    var collector = collector
    let body = try await stream(
      statement, as: .sql(reader), format: "JSONCompactEachRowWithNamesAndTypes", settings: ["log_comment": comment], queryID: id,
      patience: patience)
    do {
      for try await part in body {
        guard try collector.take(part) else { break }
      }
    } catch {
      // After an exception that came too late for the status line the server breaks the connection off.
      if let exception = collector.exception { throw ClickHouseError.exception(exception) }
      throw error
    }
    return try collector.answer()
  }
}
