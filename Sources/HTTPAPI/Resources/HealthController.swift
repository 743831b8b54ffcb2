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
        let isReady = stores.allSatisfy(\.isReady)
        let states = Dictionary(stores.map { ($0.name, JSONValue.string($0.state)) }, uniquingKeysWith: { $1 })
        return .json(
          ["status": isReady ? "ready" : "starting", "stores": .object(states)], status: isReady ? .ok : .serviceUnavailable,
          headers: isReady ? [:] : [.retryAfter: "1"])
      },
    ]
  }
}
