import ClickHouse
import Domain
import Logging
import QueryEngine

/// All widgets of one view request, run at the same time; each answer is handed on as soon as it is there, and one widget's failure
/// is an answer like the others. All answers together stay within ``Limits/viewBytes``: what comes later is refused.
struct DashboardQuery: Sendable {
  struct Answer: Sendable {
    let widget: String
    /// The result, or an object with an `error`, as JSON.
    let json: [UInt8]
  }

  let executor: Executor
  let plans: [(id: String, plan: Result<Plan, AppError>)]
  let logger: Logger

  func answers() -> AsyncStream<Answer> {
    AsyncStream { continuation in
      let work = Task {
        await withTaskGroup(of: Answer.self) { group in
          for (id, plan) in plans { group.addTask { await answer(id, plan) } }
          var bytes = 0
          for await answer in group {
            if bytes + answer.json.count > Limits.viewBytes {
              continuation.yield(Answer(widget: answer.widget, json: Self.json(of: Self.tooLarge)))
            } else {
              bytes += answer.json.count
              continuation.yield(answer)
            }
          }
        }
        continuation.finish()
      }
      // Whoever stops listening stops the queries.
      continuation.onTermination = { _ in work.cancel() }
    }
  }

  private func answer(_ id: String, _ plan: Result<Plan, AppError>) async -> Answer {
    do {
      return Answer(widget: id, json: try await executor.run(try plan.get()).json.serializedBytes())
    } catch {
      let error = ErrorMiddleware.appError(error)
      if let cause = error.cause {
        logger.error("widget failed", metadata: ["widget": .string(id), "code": .string(error.code), "cause": .string(cause)])
      }
      return Answer(widget: id, json: Self.json(of: error))
    }
  }

  private static let tooLarge = AppError(
    status: 422, code: "query_too_large",
    message: "The view as a whole is larger than its limit allows; a lower limit of rows or fewer widgets may help.")

  private static func json(of error: AppError) -> [UInt8] {
    JSONValue.object([
      "error": [
        "code": .string(error.code), "message": .string(error.message), "error": .string(error.message),
        "details": .array(error.details.map(\.json)),
      ]
    ]).serializedBytes()
  }
}
