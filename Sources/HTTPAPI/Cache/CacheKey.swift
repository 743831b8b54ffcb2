import Crypto
package import Domain
package import QueryEngine

/// Everything that an answer depends on, as one digest: two answers with the same key are the same answer.
///
/// - The scope: organisation, environment, tenant and locked filters. They are also in the statements; here they stand once more, so that
///   no change of the statements can ever mix two scopes.
/// - The question: the plan's statements with their bound values, its spans of time, zone, granularity and kind.
/// - Of what it is asked: the published version of the dashboard, and the generation that a refresh of the cache begins.
/// - The state of the tenant's events: ``TenantData/Version``, and what this process itself has stored since it runs.
package struct CacheKey: Hashable, Sendable {
  private let digest: SHA256.Digest

  init(_ plan: Plan, _ context: QueryContext, _ known: TenantDataMemory.Known) {
    self.init(
      plan, published: context.published, generation: context.generation, version: known.data.version, mark: known.mark)
  }

  /// A key of its own name, for what is no plan.
  package init(naming text: String) { digest = SHA256.hash(data: Array(text.utf8)) }

  /// - Parameters:
  ///   - published: the dashboard and its version.
  ///   - mark: what this process itself has stored.
  package init(_ plan: Plan, published: String, generation: Int, version: TenantData.Version, mark: String) {
    var hash = SHA256()
    func add(_ text: String) {
      // Each with its length: "ab" and "c" must not be "a" and "bc".
      var length = UInt64(text.utf8.count)
      withUnsafeBytes(of: &length) { hash.update(bufferPointer: $0) }
      var text = text
      text.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
    }
    let scope = plan.scope
    add(scope.organization.rawValue)
    add(scope.environment.rawValue)
    switch scope.tenant {
    case .one(let tenant): add("one \(tenant.rawValue)")
    case .all: add("all")
    }
    for filter in scope.lockedFilters {
      add("locked \(filter.dimension.name) \(filter.values.count)")
      for value in filter.values { add(value) }
    }
    add("question \(published) \(generation)")
    for text in plan.fingerprint { add(text) }
    add("\(version.events) \(version.lastIngested?.milliseconds ?? -1) \(mark)")
    digest = hash.finalize()
  }
}

/// A finished answer: its JSON up to `meta`, which tells when and whence it came and is written anew each time.
package struct CachedAnswer: Sendable {
  private let head: [UInt8]
  private let meta: [String: JSONValue]

  package init(head: [UInt8], meta: [String: JSONValue]) {
    self.head = head
    self.meta = meta
  }

  init(_ result: QueryResult) {
    var members = result.json.objectValue ?? [:]
    meta = members.removeValue(forKey: "meta")?.objectValue ?? [:]
    head = JSONValue.object(members).serializedBytes().dropLast()
  }

  /// What it takes in memory, about.
  var bytes: Int { head.count + 1_500 }

  /// The answer as it goes over the wire.
  /// - Parameters:
  ///   - cached: whether it was made for an earlier question.
  ///   - dataAsOf: the moment up to which it is known to hold all stored events.
  ///   - elapsed: milliseconds; nil for the time that it took to make.
  func json(cached: Bool, dataAsOf: Instant?, elapsed: Double? = nil) -> [UInt8] {
    var meta = meta
    meta["cached"] = .bool(cached)
    if let dataAsOf { meta["data_as_of"] = dataAsOf.json }
    if let elapsed { meta["elapsed_ms"] = .number((elapsed * 10).rounded() / 10) }
    return head + Array(#","meta":"#.utf8) + JSONValue.object(meta).serializedBytes() + [UInt8(ascii: "}")]
  }
}
