import Access
import ClickHouse
import Domain
import Hummingbird
import QueryEngine

/// SQL that people write: `/v1/datasets` says what there is, `POST /v1/sql` runs one SELECT. Both are for owners, admins and admin keys.
struct SQLController: Controller {
  let sql: AdHocSQL
  let audit: AuditLog

  /// How much the audit log keeps of a statement that was not run, in bytes. One that was run is kept whole: what it read may stand at its end.
  private static let refusedBytes = 2_000

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/datasets", .admin, endsWithClient: true, datasets),
      Endpoint(.get, "/v1/datasets/:dataset/ddl", .admin, endsWithClient: true, ddl),
      Endpoint(.post, "/v1/sql", .admin, run),
    ]
  }

  private func datasets(_ request: APIRequest) async throws -> Response {
    let environment = try request.readQuery { $0.string("environment", length: 1...50) }
    let account = try request.account(environment: environment.map { EnvironmentName($0) })
    return .page([try await sql.dataset(account).json], nextCursor: nil)
  }

  private func ddl(_ request: APIRequest) async throws -> Response {
    let environment = try request.readQuery { $0.string("environment", length: 1...50) }
    let account = try request.account(environment: environment.map { EnvironmentName($0) })
    guard try request.parameter("dataset") == EventsDataset.name else {
      throw AppError.notFound("There is no such dataset; there is one, events.", code: "dataset_not_found")
    }
    return .json(["name": .string(EventsDataset.name), "ddl": .string(try await sql.dataset(account).ddl)])
  }

  private func run(_ request: APIRequest) async throws -> Response {
    let (text, environment) = try await request.readBody { reader in
      if !reader.has("sql") { reader.problem("sql", "missing", "is required") }
      return (reader.string("sql", length: 1...Limits.sqlLength) ?? "", reader.string("environment", length: 1...50))
    }
    let account = try request.account(environment: environment.map { EnvironmentName($0) })
    let result: Result<(answer: AdHocAnswer, milliseconds: Double), any Error>
    var isSent = false
    do {
      let statement = try AdHocStatement(text)
      isSent = true
      // Who leaves stops the statement; that it was begun is written down all the same.
      result = .success(try await request.whileConnected { try await sql.run(statement, account) })
    } catch {
      if let error = error as? AppError, error.code == "sql_busy" { isSent = false }
      result = .failure(error)
    }
    try await audit.record(
      "sql.run", "dataset", EventsDataset.name, by: account, from: request,
      after: Self.entry(isSent ? text : String(decoding: text.utf8.prefix(Self.refusedBytes), as: UTF8.self), account, result))
    return .json(bytes: Self.body(try result.get()))
  }

  private static func entry(
    _ text: String, _ account: Account, _ result: Result<(answer: AdHocAnswer, milliseconds: Double), any Error>
  ) -> JSONValue {
    var entry: [String: JSONValue] = [
      "sql": .string(text), "environment": .string(account.environment.rawValue),
    ]
    switch result {
    case .success(let (answer, milliseconds)):
      entry["rows"] = .int(answer.rowCount)
      entry["truncated"] = .bool(answer.isTruncated)
      entry["wall_ms"] = .number(rounded(milliseconds))
    case .failure(let error):
      entry["error"] = .string(ErrorMiddleware.appError(error).code)
    }
    return .object(entry)
  }

  /// The rows stay as the store wrote them.
  private static func body(_ result: (answer: AdHocAnswer, milliseconds: Double)) -> [UInt8] {
    let columns = JSONValue.array(result.answer.columns.map { ["name": .string($0.name), "type": .string($0.type)] })
    let stats: JSONValue = [
      "wall_ms": .number(rounded(result.milliseconds)), "rows_returned": .int(result.answer.rowCount),
      "truncated": .bool(result.answer.isTruncated),
    ]
    var bytes = Array(#"{"columns":"#.utf8)
    bytes += columns.serializedBytes()
    bytes += Array(#","rows":["#.utf8)
    bytes += result.answer.rows
    bytes += Array(#"],"stats":"#.utf8)
    bytes += stats.serializedBytes()
    bytes.append(UInt8(ascii: "}"))
    return bytes
  }

  private static func rounded(_ milliseconds: Double) -> Double { (milliseconds * 10).rounded() / 10 }
}
