import ConfigStore
import Domain
import QueryEngine

/// What answers of one request have in common beside their scope.
struct QueryContext: Sendable {
  /// The dashboard and its version; empty for questions outside of dashboards.
  var published = ""
  /// Counts the refreshes of the cache that concern these answers.
  var generation = 0
  /// Nil when nobody knows: then nothing is kept, and the tenant is taken for a large one.
  var known: TenantDataMemory.Known?
}

extension QueryService {
  /// The state of the scope's events, before any of its statements run.
  func context(_ scope: Scope, dashboard: DashboardID? = nil, version: Int = 0) async throws -> QueryContext {
    var context = QueryContext(published: dashboard.map { "\($0.rawValue) \(version)" } ?? "")
    guard let tenants else { return context }
    context.known = try await tenants.data(of: scope, with: executor, clock: clock)
    if cache != nil, let generations {
      context.generation = try await generations.current(scope.organization, tenant: scope.tenantID, dashboard: dashboard)
    }
    return context
  }

  /// Answers plans of one scope: from the cache, from somebody else who asks the same at this moment, or by as few statements as are
  /// quickest. Each answer is handed over, as JSON, as soon as it is there, by its plan's place.
  func answer(
    _ plans: [Plan], _ context: QueryContext, _ deliver: @escaping @Sendable (Int, Result<[UInt8], any Error>) async -> Void
  ) async {
    guard let cache, let known = context.known else {
      await run(plans, context) { index, result in await deliver(index, result.map { $0.json.serializedBytes() }) }
      return
    }
    let keys = plans.map { CacheKey($0, context, known) }
    var claimed: [Int] = []
    var pending: [Int] = []
    for (index, key) in keys.enumerated() {
      switch cache.look(for: key) {
      case .answer(let answer): await deliver(index, .success(answer.json(cached: true, dataAsOf: known.asOf, elapsed: 0)))
      case .claimed: claimed.append(index)
      case .pending: pending.append(index)
      }
    }
    guard !claimed.isEmpty || !pending.isEmpty else { return }
    let limit: Duration? = known.isSettled ? nil : .milliseconds(500)
    await withTaskGroup(of: Void.self) { group in
      if !claimed.isEmpty {
        let claimed = claimed
        group.addTask {
          await run(claimed.map { plans[$0] }, context) { place, result in
            let index = claimed[place]
            switch result {
            case .success(let result):
              let answer = CachedAnswer(result)
              cache.fulfil(keys[index], answer, keptFor: limit)
              await deliver(index, .success(answer.json(cached: false, dataAsOf: known.asOf)))
            case .failure(let error):
              cache.abandon(keys[index])
              await deliver(index, .failure(error))
            }
          }
        }
      }
      for index in pending {
        group.addTask {
          if let answer = await cache.wait(for: keys[index]) {
            await deliver(index, .success(answer.json(cached: true, dataAsOf: known.asOf, elapsed: 0)))
          } else {
            // Whoever was at it failed or went away.
            await run([plans[index]], context) { _, result in
              await deliver(
                index, result.map { CachedAnswer($0).json(cached: false, dataAsOf: known.asOf) })
            }
          }
        }
      }
    }
  }

  /// The answer of a single plan, as JSON.
  func answer(_ plan: Plan, _ context: QueryContext) async throws -> [UInt8] {
    let (answers, source) = AsyncStream.makeStream(of: Result<[UInt8], any Error>.self)
    await answer([plan], context) { _, result in source.yield(result) }
    source.finish()
    for await result in answers { return try result.get() }
    throw CancellationError()
  }

  private func run(
    _ plans: [Plan], _ context: QueryContext, _ deliver: @escaping @Sendable (Int, Result<QueryResult, any Error>) async -> Void
  ) async {
    let view = ViewPlan(plans, data: context.known?.data, known: dimensions)
    let executor = executor
    await withTaskGroup(of: Void.self) { group in
      for step in view.steps { group.addTask { await executor.run(step, deliver) } }
    }
  }
}

extension Scope {
  fileprivate var tenantID: TenantID? { if case .one(let tenant) = tenant { tenant } else { nil } }
}
