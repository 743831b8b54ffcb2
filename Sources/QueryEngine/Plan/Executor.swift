public import ClickHouse
internal import Domain

/// Runs plans through a function that sends one statement to the server, so that the engine itself does no I/O.
///
/// ```swift
/// let executor = Executor { sql, role in try await client.query(sql, as: role, timeout: .seconds(15)) }
/// let result = try await executor.run(plan)
/// ```
public struct Executor: Sendable {
  public typealias Query = @Sendable (SQL, DatabaseRole) async throws -> QueryRows

  private let query: Query

  public init(_ query: @escaping Query) { self.query = query }

  /// Runs the statements of a plan at the same time and makes the answer of their rows.
  /// - Throws: what the function throws; ``ClickHouseError`` of a statement that needed too much memory only after its fallback, if it
  ///   has one, failed too.
  public func run(_ plan: Plan) async throws -> QueryResult {
    let clock = ContinuousClock()
    let start = clock.now
    let answers = try await rows(of: plan.statements, role: plan.scope.role)
    return ResultShaper.shape(
      plan, answers.map(\.rows), elapsedMilliseconds: (clock.now - start) / .milliseconds(1),
      approximate: answers.contains { $0.approximate })
  }

  struct Answer: Sendable {
    var rows: [[JSONValue]]
    var approximate: Bool
  }

  /// The rows of statements that run at the same time.
  func rows(of statements: [Statement], role: DatabaseRole) async throws -> [Answer] {
    if statements.count == 1 { return [try await rows(of: statements[0], role: role)] }
    return try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
      for (index, statement) in statements.enumerated() {
        group.addTask { (index, try await rows(of: statement, role: role)) }
      }
      var answers: [Int: Answer] = [:]
      for try await (index, answer) in group { answers[index] = answer }
      return statements.indices.compactMap { answers[$0] }
    }
  }

  private func rows(of statement: Statement, role: DatabaseRole) async throws -> Answer {
    do {
      return Answer(rows: try await query(statement.sql, role).rows, approximate: false)
    } catch ClickHouseError.exception(let exception) where exception.kind == .memory {
      guard let fallback = statement.fallback else { throw ClickHouseError.exception(exception) }
      return Answer(rows: try await query(fallback, role).rows, approximate: true)
    }
  }
}
