import ClickHouse
import Domain
import NIOCore
import TestSupport
import Testing

/// The client against the real server: answers, exceptions at every moment, cancellation, inserts.
@Suite struct ClientTests {
  private func failure(_ body: () async throws -> Void) async -> ClickHouseException? {
    do {
      try await body()
      return nil
    } catch ClickHouseError.exception(let exception) {
      return exception
    } catch {
      Issue.record("another error: \(error)")
      return nil
    }
  }

  /// The steps of a removal of a large customer take longer than any question of a reader may.
  @Test func theAdministratorMayAskForLongerThanReaders() async throws {
    let test = try await TestClickHouse.shared()
    let limit: SQL = "SELECT toString(getSetting('max_execution_time'))"
    #expect(try await test.client.query(limit, as: .admin, timeout: .seconds(1800)).scalar == "1800")
    #expect(try await test.client.query(limit, as: IsolationTests.readers[0], timeout: .seconds(1800)).scalar == "60")
  }

  @Test func anAnswerHasNamesTypesRowsAndStatistics() async throws {
    let client = try await TestClickHouse.shared().client
    let rows = try await client.query(
      """
      SELECT number AS n, toString(number) AS s, number = 1 ? NULL : number / 0 AS odd, [number] AS list,
        toDateTime64('2026-01-01 00:00:00.5', 3, 'UTC') AS time
      FROM numbers(2) ORDER BY n
      """, as: .admin)
    #expect(rows.columns.map(\.name) == ["n", "s", "odd", "list", "time"])
    #expect(rows.columns.first?.type == "UInt64")
    #expect(
      rows.rows == [
        [0, "0", .null, [0], "2026-01-01T00:00:00.500Z"], [1, "1", .null, [1], "2026-01-01T00:00:00.500Z"],
      ])
    #expect(rows.index(of: "list") == 3)
    #expect(rows.index(of: "no") == nil)
    #expect(rows.statistics.elapsedMilliseconds ?? -1 > 0)
    #expect(rows.statistics.readRows == 2)
  }

  @Test func anAnswerWithoutRowsStillHasColumns() async throws {
    let client = try await TestClickHouse.shared().client
    let rows = try await client.query("SELECT 1 AS a WHERE 0", as: .admin)
    #expect(rows.columns.map(\.name) == ["a"])
    #expect(rows.rows.isEmpty)
    #expect(rows.scalar == nil)
  }

  @Test func aWrongStatementIsAnException() async throws {
    let client = try await TestClickHouse.shared().client
    let exception = await failure { _ = try await client.query("SELEC 1", as: .admin) }
    #expect(exception?.code == 62)
    #expect(exception?.kind == .syntax)
  }

  /// An error that the server meets after megabytes of rows is told whole: it sends nothing before the end.
  @Test func anExceptionInTheMiddleOfAnAnswerIsSeen() async throws {
    let client = try await TestClickHouse.shared().client
    for role in Array(repeating: [DatabaseRole.admin] + IsolationTests.readers, count: 10).flatMap(\.self) {
      let exception = await failure {
        _ = try await client.query("SELECT number, throwIf(number = 150000, 'boom') FROM numbers(200000)", as: role)
      }
      #expect(exception?.code == 395)
      #expect(exception?.message.contains("boom") == true)
    }
  }

  /// A server whose administrator lets it send at once has answered "200 OK" and rows by then. The exception comes together with the
  /// end of the connection, which may win; but never are the rows so far taken for the whole answer.
  @Test func anAnswerThatBreaksOffIsNeverTakenForAWholeOne() async throws {
    let client = try await TestClickHouse.shared().client
    for _ in 0..<20 {
      await #expect(throws: ClickHouseError.self) {
        _ = try await client.query(
          "SELECT number, throwIf(number = 150000, 'boom') FROM numbers(200000)", as: .admin,
          settings: ["http_wait_end_of_query": "0", "http_response_buffer_size": "0", "max_block_size": "1000"])
      }
    }
  }

  /// A value that looks like the end of a broken answer is a value.
  @Test func aValueCannotForgeAnException() async throws {
    let client = try await TestClickHouse.shared().client
    let forged = "\n__exception__\nCode: 1. DB::Exception: forged\n"
    let rows = try await client.query("SELECT \(bind: forged)", as: .admin)
    #expect(rows.rows == [[.string(forged)]])
  }

  @Test func aSlowQueryIsStoppedByTheServer() async throws {
    let client = try await TestClickHouse.shared().client
    let start = ContinuousClock.now
    let exception = await failure {
      _ = try await client.query(
        "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1", as: IsolationTests.readers[0],
        timeout: .seconds(1))
    }
    #expect(exception?.kind == .timeout)
    // Unhindered it takes minutes.
    #expect(ContinuousClock.now - start < .seconds(30))
  }

  @Test func limitsAreTold() async throws {
    let client = try await TestClickHouse.shared().client
    let viewer = IsolationTests.readers[0]
    let rows = await failure { _ = try await client.query("SELECT number FROM numbers(300000)", as: viewer) }
    #expect(rows?.kind == .tooManyRows)
    let memory = await failure {
      _ = try await client.query(
        "SELECT groupArray(toString(number)) FROM numbers(10000000)", as: viewer, settings: ["max_memory_usage": "50000000"])
    }
    #expect(memory?.kind == .memory)
  }

  @Test func cancellingStopsTheQueryOnTheServer() async throws {
    let client = try await TestClickHouse.shared().client
    let comment = TestClickHouse.uniqueOrganization()
    func running() async throws -> JSONValue? {
      try await client.query(
        "SELECT count() FROM system.processes WHERE Settings['log_comment'] = \(bind: comment)", as: .admin,
        settings: ["log_comment": "observer"]
      ).scalar
    }
    let task = Task {
      try await client.query(
        "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1", as: IsolationTests.readers[0],
        settings: ["log_comment": comment], timeout: .seconds(60))
    }
    while try await running() != 1 { try await Task.sleep(for: .milliseconds(20)) }
    task.cancel()
    await #expect(throws: CancellationError.self) { _ = try await task.value }
    let deadline = ContinuousClock.now + .seconds(60)
    while try await running() != 0, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(50)) }
    #expect(try await running() == 0)
  }

  @Test func aServerThatIsNotThereIsUnavailable() async throws {
    let test = try await TestClickHouse.shared()
    let client = ClickHouseClient(httpClient: test.httpClient, passwords: test.passwords, logger: test.logger) {
      ClickHouseEndpoint(url: "http://127.0.0.1:1", user: "x", password: "y")
    }
    await #expect(
      performing: {
        try await client.execute("SELECT 1")
      },
      throws: { error in
        guard case ClickHouseError.unavailable = error else { return false }
        return true
      })
  }

  @Test func errorsForPeopleSayNothingOfTheDatabase() async throws {
    let client = try await TestClickHouse.shared().client
    do {
      _ = try await client.query("SELECT secret_column FROM emban.events", as: .admin)
      Issue.record("no error")
    } catch let error as ClickHouseError {
      let shown = error.appError
      #expect(shown.status == 500)
      #expect(!shown.message.contains("secret_column") && !shown.message.contains("emban.events"))
      #expect(shown.cause?.contains("secret_column") == true)
    }
  }

  // MARK: - Inserts

  private func count(_ organization: String, in table: SQL) async throws -> JSONValue? {
    let client = try await TestClickHouse.shared().client
    return try await client.query("SELECT count() FROM \(table) WHERE org_id = \(bind: organization)", as: .admin).scalar
  }

  @Test func insertedRowsAreThereAtOnce() async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    var rows = EventRows(organization: organization)
    for number in 0..<1_000 { rows.add(id: number < 900 ? "e\(number)" : "", strings: ["model": "m\(number % 3)"]) }
    try await rows.insert(with: client)
    #expect(try await count(organization, in: "emban.events") == 1_000)
    #expect(try await count(organization, in: "emban.event_ids") == 900)
  }

  @Test func theSameTokenCountsOnce() async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    var rows = EventRows(organization: organization)
    // Three months: three parts, each of which must be recognised.
    for month in 1...3 { rows.add(at: "2026-0\(month)-15T12:00:00Z", id: "e\(month)") }
    for _ in 0..<3 { try await rows.insert(with: client, token: organization) }
    #expect(try await count(organization, in: "emban.events") == 3)
    #expect(try await count(organization, in: "emban.event_ids") == 3)
    try await rows.insert(with: client, token: organization + "-2")
    #expect(try await count(organization, in: "emban.events") == 6)
  }

  @Test func equalRowsWithDifferentTokensAllCount() async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    var rows = EventRows(organization: organization)
    rows.add()
    for number in 0..<3 { try await rows.insert(with: client, token: "\(organization)-\(number)") }
    #expect(try await count(organization, in: "emban.events") == 3)
  }

  @Test func aBatchThatCannotBeReadIsRefusedWhole() async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    var rows = EventRows(organization: organization)
    rows.add()
    var body = rows.body
    body.writeString("\n{\"org_id\": broken}")
    let broken = body
    let exception = await failure { try await client.insert(into: "emban.events", columns: EventRows.columns, body: broken) }
    #expect(exception != nil)
    #expect(try await count(organization, in: "emban.events") == 0)
  }

  @Test func anEventWithoutScopeIsRefusedByTheTable() async throws {
    let client = try await TestClickHouse.shared().client
    for (organization, tenant) in [("", "acme"), (TestClickHouse.uniqueOrganization(), "")] {
      var rows = EventRows(organization: organization, tenant: tenant)
      rows.add()
      let body = rows
      let exception = await failure { try await body.insert(with: client) }
      #expect(exception?.code == 469)
    }
  }
}
