import Domain
import Logging
import QueryEngine
import Synchronization

/// All widgets of one view request; each answer is handed on as soon as it is there, and one widget's failure is an answer like the
/// others. All answers together stay within ``Limits/viewBytes``: what comes later is refused.
struct DashboardQuery: Sendable {
  struct Answer: Sendable {
    let widget: String
    /// The result, or an object with an `error`, as JSON.
    let json: [UInt8]
  }

  let queries: QueryService
  let context: QueryContext
  let plans: [(id: String, plan: Result<Plan, AppError>)]
  let logger: Logger

  /// - Parameter watch: of the connection that waits for the answers.
  func answers(_ watch: ConnectionWatch? = nil) -> AsyncStream<Answer> {
    AsyncStream { continuation in
      let work = Task {
        let room = Mutex(Limits.viewBytes)
        var asked: [(id: String, plan: Plan)] = []
        for (id, plan) in plans {
          switch plan {
          case .success(let plan): asked.append((id, plan))
          case .failure(let error): continuation.yield(answer(id, .failure(error)))
          }
        }
        let ids = asked.map(\.id)
        await queries.answer(asked.map(\.plan), context) { index, result in
          let answer = answer(ids[index], result)
          let fits = room.withLock { room in
            guard answer.json.count <= room else { return false }
            room -= answer.json.count
            return true
          }
          continuation.yield(fits ? answer : Answer(widget: answer.widget, json: Self.json(of: Self.tooLarge)))
        }
        continuation.finish()
      }
      // Whoever stops listening, or goes away, stops the statements.
      let id = watch?.onClose { work.cancel() }
      continuation.onTermination = { _ in
        work.cancel()
        if let id { watch?.forget(id) }
      }
    }
  }

  private func answer(_ id: String, _ result: Result<[UInt8], any Error>) -> Answer {
    switch result {
    case .success(let json): return Answer(widget: id, json: json)
    case .failure(let error):
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
