public import ClickHouse
import ConfigStore
public import Domain
import QueryEngine

/// Runs SQL that people of an organisation write, as the organisation's own user of the database, and says what there is to be read.
///
/// A program makes the user before its first statement, and again when a statement shows that it is gone or that there are new properties.
public actor AdHocSQL {
  private struct Prepared {
    let reader: SQLReader
    let dataset: EventsDataset
    let at: Instant
  }

  /// How old what is told of a dataset may be, in milliseconds.
  private static let freshness: Int64 = 30_000
  /// How often a property without a column makes a look for new ones, in milliseconds.
  private static let patience: Int64 = 3_000
  /// For how long a reader that nobody asks is remembered, in milliseconds.
  private static let keeping: Int64 = 86_400_000

  private let client: ClickHouseClient
  private let access: SQLReaderAccess
  private let key: String
  private let queries: QueryService
  private let seconds: Int
  private let clock: TimeSource
  private var prepared: [String: Prepared] = [:]
  /// When a reader was last made anew in vain.
  private var renewedInVain: [String: Instant] = [:]
  private var making: [String: Task<Prepared, any Error>] = [:]
  private var running: [OrganizationID: Int] = [:]
  private var runningInAll = 0

  /// - Parameters:
  ///   - key: derived from the secret key; the names and passwords of the users are derived from it.
  ///   - isOwnServer: whether nobody else uses the ClickHouse.
  ///   - seconds: how long a statement may take.
  public init(
    client: ClickHouseClient, key: String, isOwnServer: Bool, seconds: Int = Limits.sqlSeconds, queries: QueryService,
    clock: @escaping TimeSource
  ) {
    self.client = client
    access = SQLReaderAccess(client: client, isOwnServer: isOwnServer, seconds: seconds)
    self.key = key
    self.seconds = seconds
    self.queries = queries
    self.clock = clock
  }

  /// What an account may read.
  func dataset(_ account: Account) async throws -> EventsDataset {
    let told = try await prepare(account, notOlderThan: Self.freshness, again: false).dataset
    // Who has sent nothing yet looks whether the first event has come.
    return told.properties.isEmpty ? try await prepare(account, notOlderThan: Self.patience, again: false).dataset : told
  }

  /// Runs a statement.
  /// - Returns: the answer, and how long it took, in milliseconds.
  /// - Throws: ``AppError`` that says what is wrong with the statement; 429 `sql_busy` when enough of the organisation's run.
  func run(_ statement: AdHocStatement, _ account: Account) async throws -> (answer: AdHocAnswer, milliseconds: Double) {
    let organization = account.organization
    guard running[organization, default: 0] < Limits.sqlAtOnce, runningInAll < Limits.sqlAtOnceInAll else {
      let whose = runningInAll < Limits.sqlAtOnceInAll ? " of this organization" : ""
      throw AppError(status: 429, code: "sql_busy", message: "Enough statements\(whose) run at this moment.", retryAfter: 2)
    }
    running[organization, default: 0] += 1
    runningInAll += 1
    defer {
      runningInAll -= 1
      running[organization, default: 1] -= 1
      if running[organization] == 0 { running[organization] = nil }
    }
    let reader = try await prepare(account, for: statement)
    let timer = ContinuousClock()
    var start = timer.now
    do {
      let answer = try await send(statement, reader, account)
      return (answer, (timer.now - start) / .milliseconds(1))
    } catch ClickHouseError.exception(let exception) {
      let problem = problem(exception, statement, reader)
      guard problem.isAboutReader, mayRenew(reader.reader) else { throw problem.appError }
      let made = try await prepare(account, notOlderThan: 0, again: true)
      start = timer.now
      do {
        let answer = try await send(statement, made, account)
        return (answer, (timer.now - start) / .milliseconds(1))
      } catch ClickHouseError.exception(let exception) {
        let problem = self.problem(exception, statement, made)
        if problem.isAboutReader { renewedInVain[made.reader.name] = clock() }
        throw problem.appError
      }
    }
  }

  /// Statements can look as if their reader were gone; making it anew is dear.
  private func mayRenew(_ reader: SQLReader) -> Bool {
    renewedInVain[reader.name].map { !(0..<Self.patience ~= clock().milliseconds - $0.milliseconds) } ?? true
  }

  private func send(_ statement: AdHocStatement, _ prepared: Prepared, _ account: Account) async throws -> AdHocAnswer {
    try await client.answer(
      adHoc: statement.sql, as: prepared.reader, comment: "sql \(account.organization) \(account.actor)", maximumRows: Limits.sqlRows,
      maximumBytes: Limits.sqlAnswerBytes, timeout: .seconds(seconds + 5))
  }

  private func problem(_ exception: ClickHouseException, _ statement: AdHocStatement, _ prepared: Prepared) -> AdHocProblem {
    AdHocProblem(exception, of: statement, columns: prepared.dataset.columns.map(\.name), seconds: seconds)
  }

  // MARK: - Preparation

  /// Looks for new properties when the statement names one that has no column: without it, ClickHouse would read the name as a path of
  /// the JSON, of no type.
  private func prepare(_ account: Account, for statement: AdHocStatement) async throws -> Prepared {
    let before = try await prepare(account, notOlderThan: .max, again: false)
    let isNew = !statement.properties.isSubset(of: before.dataset.columns.map(\.name))
    return isNew ? try await prepare(account, notOlderThan: Self.patience, again: false) : before
  }

  /// - Parameters:
  ///   - age: in milliseconds; what was prepared earlier is looked at again.
  ///   - again: states all of the reader even if nothing has changed.
  private func prepare(_ account: Account, notOlderThan age: Int64, again: Bool) async throws -> Prepared {
    guard let reader = SQLReader(organization: account.organization.rawValue, environment: account.environment.rawValue, key: key) else {
      throw AppError.internal(cause: "the organization \(account.organization) cannot have an SQL reader")
    }
    let before = prepared[reader.name]
    if let before, age == .max || 0..<age ~= clock().milliseconds - before.at.milliseconds { return before }
    // Whoever comes meanwhile waits for the same; it is not given up when the first one leaves.
    if let task = making[reader.name] { return try await task.value }
    let task = Task {
      defer { making[reader.name] = nil }
      let made = try await make(reader, account, before: again ? nil : before)
      prepared[reader.name] = made
      return made
    }
    making[reader.name] = task
    return try await task.value
  }

  private func make(_ reader: SQLReader, _ account: Account, before: Prepared?) async throws -> Prepared {
    let at = clock()
    let scope = try queries.scope(account, tenant: nil, timezone: nil)
    let report = try await queries.executor.run(Discovery(scope: scope))
    let tenants = try await queries.executor.run(try Planner(scope: scope).tenants(limit: 5)).tenants.map(\.tenant.rawValue)
    let known = try await access.properties(of: reader)
    let dataset = EventsDataset(report, tenants: tenants, known: known)
    if before == nil || before?.dataset.properties != dataset.properties || known != dataset.properties {
      try await access.make(reader, properties: dataset.properties)
    }
    return Prepared(reader: reader, dataset: dataset, at: at)
  }

  // MARK: - Removal

  /// Removes the users of organisations that are no more.
  /// - Returns: how many.
  public func removeUnused(_ organizations: @escaping @Sendable () async throws -> [OrganizationID]) async throws -> Int {
    let key = key
    prepared = prepared.filter { clock().milliseconds - $0.value.at.milliseconds < Self.keeping }
    renewedInVain = renewedInVain.filter { prepared[$0.key] != nil }
    return try await access.removeAll {
      Set(
        try await organizations().flatMap { organization in
          [EnvironmentName.production, .development].compactMap {
            SQLReader(organization: organization.rawValue, environment: $0.rawValue, key: key)?.name
          }
        })
    }
  }
}
