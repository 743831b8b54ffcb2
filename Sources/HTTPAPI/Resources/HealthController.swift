import Access
public import Domain
import Hummingbird

/// Whether a store can serve, as `/readyz` tells it.
public struct Readiness: Sendable {
  public let name: String
  public let isReady: Bool
  /// A word for people: `starting`, `ready`, `down`.
  public let state: String

  public init(name: String, isReady: Bool, state: String) {
    self.name = name
    self.isReady = isReady
    self.state = state
  }
}

/// `/healthz`: the process is up. `/readyz`: the stores can serve.
public struct HealthController: Controller {
  let readiness: @Sendable () async -> [Readiness]

  public init(readiness: @escaping @Sendable () async -> [Readiness]) { self.readiness = readiness }

  public var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/healthz", .public) { _ in .json(["status": "ok"]) },
      Endpoint(.get, "/readyz", .public) { _ in
        let stores = await readiness()
        let states = JSONValue.object(Dictionary(stores.map { ($0.name, .string($0.state)) }, uniquingKeysWith: { $1 }))
        guard stores.allSatisfy(\.isReady) else {
          var error = AppError.unavailable("not_ready", "The server cannot serve yet; `stores` says what it waits for.")
          error.extra = ["status": "not_ready", "stores": states]
          throw error
        }
        return .json(["status": "ready", "stores": states])
      },
    ]
  }
}
