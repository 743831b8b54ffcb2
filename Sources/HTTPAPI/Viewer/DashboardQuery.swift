import ClickHouse
import Domain
import Logging
import QueryEngine

/// All widgets of one view request, run at the same time; each answer is handed on as soon as it is there, and one widget's failure
/// is an answer like the others.
struct DashboardQuery: Sendable {
  struct Answer: Sendable {
    let widget: String
    let result: JSONValue
  }

  let executor: Executor
  let plans: [(id: String, plan: Result<Plan, AppError>)]
  let logger: Logger

  func answers() -> AsyncStream<Answer> {
    AsyncStream { continuation in
      let work = Task {
        await withTaskGroup(of: Answer.self) { group in
          for (id, plan) in plans { group.addTask { await answer(id, plan) } }
          for await answer in group { continuation.yield(answer) }
        }
        continuation.finish()
      }
      // Whoever stops listening stops the queries.
      continuation.onTermination = { _ in work.cancel() }
    }
  }

  private func answer(_ id: String, _ plan: Result<Plan, AppError>) async -> Answer {
    do {
      return Answer(widget: id, result: try await executor.run(try plan.get()).json)
    } catch {
      let error = ErrorMiddleware.appError(error)
      if let cause = error.cause {
        logger.error("widget failed", metadata: ["widget": .string(id), "code": .string(error.code), "cause": .string(cause)])
      }
      return Answer(
        widget: id,
        result: [
          "error": [
            "code": .string(error.code), "message": .string(error.message), "error": .string(error.message),
            "details": .array(error.details.map(\.json)),
          ]
        ])
    }
  }
}
