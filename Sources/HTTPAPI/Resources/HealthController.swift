import Access
public import Domain
import Hummingbird
public import Ingest

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

/// What `/readyz` tells.
public struct ReadinessReport: Sendable {
  public var stores: [Readiness]
  public var spool: SpoolStatus

  public init(stores: [Readiness], spool: SpoolStatus) {
    self.stores = stores
    self.spool = spool
  }

  var members: [String: JSONValue] {
    [
      "stores": .object(Dictionary(stores.map { ($0.name, .string($0.state)) }, uniquingKeysWith: { $1 })),
      "spool": [
        "state": .string(spool.state.rawValue), "pending_events": .int(spool.pendingEvents), "pending_bytes": .int(spool.pendingBytes),
        "oldest_seconds": .int(Int(spool.oldestSeconds)), "broken_inserts": .int(spool.brokenInserts), "set_aside": .int(spool.setAside),
        "unreadable": .array(spool.unreadable.map(JSONValue.string)),
      ],
    ]
  }
}

/// `/healthz`: the process is up. `/readyz`: the stores can serve; and what waits in the spool.
public struct HealthController: Controller {
  let readiness: @Sendable () async -> ReadinessReport

  public init(readiness: @escaping @Sendable () async -> ReadinessReport) { self.readiness = readiness }

  public var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/healthz", .public) { _ in .json(["status": "ok"]) },
      Endpoint(.get, "/readyz", .public) { _ in
        let report = await readiness()
        guard report.stores.allSatisfy(\.isReady) else {
          var error = AppError.unavailable("not_ready", "The server cannot serve yet; `stores` says what it waits for.")
          error.extra = report.members.merging(["status": "not_ready"]) { $1 }
          throw error
        }
        return .json(.object(report.members.merging(["status": "ready"]) { $1 }))
      },
    ]
  }
}
