public import AsyncHTTPClient
import Domain
public import Logging
public import NIOCore
import NIOHTTP1

/// Speaks with ClickHouse over HTTP, and over nothing else.
///
///     let client = ClickHouseClient(httpClient: http, passwords: passwords, logger: logger) { try supervisor.endpoint() }
///     let rows = try await client.query(
///       "SELECT count() FROM \(identifier: "emban.events") WHERE tenant_id = \(bind: tenant)",
///       as: .viewer(scope), timeout: .seconds(10))
///
/// Errors are ``ClickHouseError``, or `CancellationError` when the task was cancelled; cancelling closes the connection and
/// thereby stops a reader's query on the server.
public final class ClickHouseClient: Sendable {
  private let httpClient: HTTPClient
  private let passwords: ReaderPasswords
  private let logger: Logger
  private let queryTimeout: Duration
  private let endpoint: @Sendable () throws -> ClickHouseEndpoint

  /// - Parameters:
  ///   - httpClient: see ``makeHTTPClient()``.
  ///   - queryTimeout: how long a query may run that does not say how long.
  ///   - endpoint: asked before every request, because a restarted child server may listen on another port. It throws
  ///     ``ClickHouseError/unavailable(_:)`` while there is none.
  public init(
    httpClient: HTTPClient, passwords: ReaderPasswords, logger: Logger, queryTimeout: Duration = .seconds(15),
    endpoint: @escaping @Sendable () throws -> ClickHouseEndpoint
  ) {
    self.httpClient = httpClient
    self.passwords = passwords
    self.logger = logger
    self.queryTimeout = queryTimeout
    self.endpoint = endpoint
  }

  /// An HTTP client fitted to ClickHouse: kept-alive HTTP/1.1 connections that are given up before the server does (10 s is the
  /// shortest default it has had), no redirects, no automatic decompression, failures told at once.
  public static func makeHTTPClient(
    eventLoopGroup: any EventLoopGroup = HTTPClient.defaultEventLoopGroup
  ) -> HTTPClient {
    var configuration = HTTPClient.Configuration()
    configuration.redirectConfiguration = .disallow
    configuration.httpVersion = .http1Only
    configuration.connectionPool.idleTimeout = .seconds(8)
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 128
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.timeout.connect = .seconds(5)
    return HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup), configuration: configuration)
  }

  /// Runs a SELECT and returns its whole answer.
  ///
  /// - Parameters:
  ///   - settings: ClickHouse settings of this query. A reader may set `log_comment`, `max_threads`, `max_rows_to_read`,
  ///     `max_memory_usage` and `max_result_rows` within the bounds of its profile.
  ///   - timeout: how long the query may run, in steps of seconds for the server (from 1 s on, a reader's at most 60 s); a second later the
  ///     client gives up. The client's own if nil.
  public func query(
    _ sql: SQL, as role: DatabaseRole, settings: [String: String] = [:], timeout: Duration? = nil
  ) async throws -> QueryRows {
    let timeout = timeout ?? queryTimeout
    var settings = settings
    // The profile of readers allows them no more than a minute.
    let longest = if case .admin = role { Int.max } else { 60 }
    settings["max_execution_time"] = String(min(max(Int(timeout.seconds.rounded(.up)), 1), longest))
    var request = RequestBuilder(try endpoint(), role: role, passwords: passwords, settings: settings)
    request.parameter("default_format", ResponseDecoder.format)
    request.statement(sql)
    let answer = try await send(request, timeout: timeout + .seconds(1), mayRepeat: true)
    return try answer.body.withUnsafeReadableBytes { bytes in
      try ResponseDecoder.decode(bytes, summary: answer.summary)
    }
  }

  /// Runs a SELECT and gives its answer as it comes, in one of ClickHouse's formats: for answers that are larger than memory.
  ///
  /// - Parameters:
  ///   - format: a constant such as `Parquet`.
  ///   - queryID: by which it can be ended.
  ///   - patience: how long the answer's beginning may take.
  /// - Throws: ``ClickHouseError`` when the statement is refused; what goes wrong later ends the stream with one.
  public func stream(
    _ sql: SQL, as role: DatabaseRole, format: StaticString, settings: [String: String] = [:], queryID: String? = nil,
    patience: Duration = .seconds(60)
  ) async throws -> ClickHouseStream {
    var request = RequestBuilder(try endpoint(), role: role, passwords: passwords, settings: settings)
    request.parameter("default_format", "\(format)")
    if let queryID { request.parameter("query_id", queryID) }
    request.statement(sql)
    let response: HTTPClientResponse
    do {
      response = try await httpClient.execute(request.streamingRequest(), timeout: .milliseconds(Int64(patience.seconds * 1000)))
      guard response.status == .ok, !response.headers.contains(name: "X-ClickHouse-Exception-Code") else {
        let head = HTTPResponseHead(version: response.version, status: response.status, headers: response.headers)
        throw Self.refused(head, body: try await response.body.collect(upTo: 1 << 20))
      }
    } catch let error as ClickHouseError {
      throw noted(error)
    } catch {
      throw noted(Self.classified(error))
    }
    return ClickHouseStream(body: response.body) { [self] in noted(Self.classified($0)) }
  }

  /// Runs a statement whose answer does not matter: DDL, ALTER, SYSTEM.
  public func execute(
    _ sql: SQL, as role: DatabaseRole = .admin, settings: [String: String] = [:], timeout: Duration = .seconds(60)
  ) async throws {
    var request = RequestBuilder(try endpoint(), role: role, passwords: passwords, settings: settings)
    request.statement(sql)
    let answer = try await send(request, timeout: timeout, mayRepeat: false)
    if let exception = answer.body.withUnsafeReadableBytes({ ResponseDecoder.exception(in: $0) }) {
      throw ClickHouseError.exception(exception)
    }
  }

  /// Inserts rows that are already written in one of ClickHouse's formats, as the administrator. When it returns the rows are in
  /// the table, and durable as far as `docs/adr/0002-durability.md` says.
  ///
  /// - Parameters:
  ///   - columns: the columns that the body holds; nil for all.
  ///   - body: the rows, e.g. a JSON object per line for `JSONEachRow`.
  ///   - deduplicationToken: makes a repetition with the same token harmless, also after a crash.
  ///   - settings: override ``insertSettings``.
  ///   - sent: is set once the rows begin to leave. When it is not, an error means that the server has heard nothing of them.
  public func insert(
    into table: SQLIdentifier, columns: [SQLIdentifier]? = nil, format: String = "JSONEachRow", body: ByteBuffer,
    deduplicationToken: String? = nil, settings: [String: String] = [:], timeout: Duration = .seconds(60), sent: SendMark? = nil
  ) async throws {
    var settings = Self.insertSettings.merging(settings) { $1 }
    if let deduplicationToken { settings["insert_deduplication_token"] = deduplicationToken }
    var request = RequestBuilder(try endpoint(), role: .admin, passwords: passwords, settings: settings)
    let list = columns.map { "(" + $0.map(\.quoted).joined(separator: ", ") + ") " } ?? ""
    request.parameter("query", "INSERT INTO \(table.quoted) \(list)FORMAT \(format)")
    request.body = body
    let answer = try await send(request, timeout: timeout, mayRepeat: deduplicationToken != nil, sent: sent)
    if let exception = answer.body.withUnsafeReadableBytes({ ResponseDecoder.exception(in: $0) }) {
      throw ClickHouseError.exception(exception)
    }
  }

  /// How rows are read: JSON keys keep their dots, strings that look like dates stay strings, times are ISO 8601; a key that
  /// appears twice (as `a.b` and `a%2Eb` do once a dot is escaped) cannot spoil the batch; the table of event ids is
  /// deduplicated by the same token as the events; a batch may span 500 months.
  public static let insertSettings: [String: String] = [
    "json_type_escape_dots_in_keys": "1",
    "type_json_skip_duplicated_paths": "1",
    "input_format_try_infer_dates": "0",
    "input_format_try_infer_datetimes": "0",
    "input_format_json_try_infer_numbers_from_strings": "0",
    "date_time_input_format": "best_effort",
    "deduplicate_blocks_in_dependent_materialized_views": "1",
    "max_partitions_per_insert_block": "500",
    "async_insert": "0",
  ]

  /// Whether the server answers and lets us in: its version, e.g. `25.8.2.1`.
  public func version(timeout: Duration = .seconds(5)) async throws -> String {
    let rows = try await query("SELECT version()", as: .admin, timeout: timeout)
    guard let version = rows.scalar?.stringValue else { throw ClickHouseError.protocolError("no version") }
    return version
  }

  // MARK: - Transport

  private struct Answer {
    var body: ByteBuffer
    var summary: String?
  }

  /// - Parameter mayRepeat: whether a second try is harmless. A kept-alive connection that the server closed in the very moment
  ///   of its reuse fails without having reached it; that is not worth an error.
  private func send(_ builder: RequestBuilder, timeout: Duration, mayRepeat: Bool, sent: SendMark? = nil) async throws -> Answer {
    let deadline = NIODeadline.now() + .nanoseconds(Int64(timeout.seconds * 1_000_000_000))
    let request = try builder.request()
    do {
      return try await send(request, deadline: deadline, sent: sent)
    } catch ClickHouseError.unavailable where mayRepeat {
      return try await send(request, deadline: deadline, sent: sent)
    }
  }

  private func send(_ request: HTTPClient.Request, deadline: NIODeadline, sent: SendMark?) async throws -> Answer {
    try Task.checkCancellation()
    let received = await Exchange.perform(request, with: httpClient, deadline: deadline, sent: sent)
    if let failure = received.failure {
      // ClickHouse breaks the connection off after an exception that came too late for the status line.
      if received.head?.status == .ok, let exception = received.body.withUnsafeReadableBytes({ ResponseDecoder.exception(in: $0) }) {
        throw noted(ClickHouseError.exception(exception))
      }
      throw noted(Self.classified(failure))
    }
    guard let head = received.head, head.status == .ok, !head.headers.contains(name: "X-ClickHouse-Exception-Code") else {
      throw noted(Self.refused(received.head, body: received.body))
    }
    return Answer(body: received.body, summary: head.headers.first(name: "X-ClickHouse-Summary"))
  }

  private func noted(_ error: any Error) -> any Error {
    logger.debug("a statement failed", metadata: ["error": "\(error)"])
    return error
  }

  private static func refused(_ head: HTTPResponseHead?, body: ByteBuffer) -> ClickHouseError {
    let text = String(buffer: body)
    let code = head?.headers.first(name: "X-ClickHouse-Exception-Code").flatMap { Int($0) }
    guard code != nil || text.contains("Code: ") else {
      return .protocolError("HTTP status \(head?.status.code ?? 0): \(text.prefix(500))")
    }
    return .exception(ClickHouseException(text: text, code: code))
  }

  private static func classified(_ error: any Error) -> any Error {
    if Task.isCancelled { return CancellationError() }
    switch error {
    case let error as HTTPClientError:
      switch error {
      case .deadlineExceeded, .readTimeout:
        return ClickHouseError.exception(ClickHouseException(code: 159, message: "the client's deadline passed"))
      default: return ClickHouseError.unavailable(error.shortDescription)
      }
    default:
      return ClickHouseError.unavailable(String(describing: error))
    }
  }
}

extension Duration {
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
