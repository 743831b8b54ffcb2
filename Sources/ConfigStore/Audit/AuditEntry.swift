public import Domain

/// One line of an organisation's audit log: who did what to which thing, when and from where.
public struct AuditEntry: Sendable, Hashable {
  public let id: String
  public let organizationID: OrganizationID
  public let at: Instant
  /// The id of the user, key or embed session that acted; `system` for the program itself.
  public let actor: String
  /// What was done, as `noun.verb`: `dashboard.publish`, `api_key.revoke`, `user.login`.
  public let action: String
  /// The kind of thing (`dashboard`) and its id.
  public let entity: String
  public let entityID: String
  /// The remote address; empty when there was none.
  public let address: String
  /// The thing before and after, where that is small. Never a secret.
  public let before: JSONValue?
  public let after: JSONValue?

  public init(
    id: String = IDGenerator.make("aud"), organizationID: OrganizationID, at: Instant, actor: String, action: String, entity: String,
    entityID: String, address: String = "", before: JSONValue? = nil, after: JSONValue? = nil
  ) {
    self.id = id
    self.organizationID = organizationID
    self.at = at
    self.actor = actor
    self.action = action
    self.entity = entity
    self.entityID = entityID
    self.address = address
    self.before = before
    self.after = after
  }

  static let columns: Statement = "id, org_id, at, actor, action, entity, entity_id, address, before_json, after_json"

  init(row: Row) throws {
    self.init(
      id: try row.text("id"), organizationID: try row.id("org_id"), at: try row.instant("at"), actor: try row.text("actor"),
      action: try row.text("action"), entity: try row.text("entity"), entityID: try row.text("entity_id"),
      address: try row.text("address"), before: try row.optionalJSON("before_json"), after: try row.optionalJSON("after_json"))
  }
}

/// What is to be written down of a change, told by what was changed. It is called in the transaction of the change.
public typealias AuditNote<Changed> = @Sendable (Changed) -> AuditEntry

/// Which entries are wanted; nil leaves a field open. `from` is included, `to` is not.
public struct AuditFilter: Sendable, Hashable {
  public var actor: String?
  public var action: String?
  public var entity: String?
  public var entityID: String?
  public var from: Instant?
  public var to: Instant?

  public init(
    actor: String? = nil, action: String? = nil, entity: String? = nil, entityID: String? = nil, from: Instant? = nil, to: Instant? = nil
  ) {
    self.actor = actor
    self.action = action
    self.entity = entity
    self.entityID = entityID
    self.from = from
    self.to = to
  }
}

/// The audit log. There is no way to change or remove an entry.
public struct AuditRepository: Sendable {
  let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  public func append(_ entry: AuditEntry) async throws {
    try await database.write { try Self.append(entry, into: $0) }
  }

  /// In the transaction of the change that it tells of: neither is there without the other.
  static func append(_ entry: AuditEntry?, into connection: any ConfigConnection) throws {
    guard let entry else { return }
    try connection.execute(
      """
      INSERT INTO audit_entries (\(AuditEntry.columns)) VALUES (\(entry.id), \(entry.organizationID), \(entry.at), \
      \(entry.actor), \(entry.action), \(entry.entity), \(entry.entityID), \(entry.address), \(entry.before), \(entry.after))
      """)
  }

  /// Writes of a person what concerns every organisation of theirs.
  static func append(
    everywhereOf user: UserID, _ note: AuditNote<Membership>?, into connection: any ConfigConnection
  ) throws {
    guard let note else { return }
    let rows = try connection.query("SELECT \(Membership.columns) FROM memberships WHERE user_id = \(user) ORDER BY created_at, org_id")
    for row in rows { try append(note(try Membership(row: row)), into: connection) }
  }

  /// The organisation's entries that meet every condition, newest first.
  public func list(
    _ organization: OrganizationID, _ filter: AuditFilter = AuditFilter(), _ request: PageRequest = .first
  ) async throws -> Page<AuditEntry> {
    var statement: Statement = "SELECT \(AuditEntry.columns) FROM audit_entries WHERE org_id = \(organization)"
    if let actor = filter.actor { statement += " AND actor = \(actor)" }
    if let action = filter.action { statement += " AND action = \(action)" }
    if let entity = filter.entity { statement += " AND entity = \(entity)" }
    if let entityID = filter.entityID { statement += " AND entity_id = \(entityID)" }
    if let from = filter.from { statement += " AND at >= \(from)" }
    if let to = filter.to { statement += " AND at < \(to)" }
    if let position = request.position { statement += " AND (at, id) < (\(position.instant), \(position.id))" }
    statement += " ORDER BY at DESC, id DESC LIMIT \(request.limit + 1)"
    let entries = try await database.read { [statement] in try $0.query(statement).map(AuditEntry.init) }
    return Page(entries, request: request) { ($0.at, $0.id) }
  }
}

/// What is known of somebody who acted: a person's name and address, or a key's name.
public struct AuditActor: Sendable, Hashable {
  public let name: String
  /// Of people only.
  public let email: EmailAddress?
}

extension AuditRepository {
  /// Those of the actors who are people or keys of this organisation, also when they are members or valid no more.
  public func actors(_ ids: Set<String>, in organization: OrganizationID) async throws -> [String: AuditActor] {
    guard !ids.isEmpty else { return [:] }
    let list = Statement.list(ids.sorted())
    return try await database.read { connection in
      var actors: [String: AuditActor] = [:]
      for row in try connection.query("SELECT id, name, email FROM users WHERE id IN (\(list))") {
        actors[try row.text("id")] = AuditActor(name: try row.text("name"), email: EmailAddress(stored: try row.text("email")))
      }
      for row in try connection.query("SELECT id, name FROM api_keys WHERE org_id = \(organization) AND id IN (\(list))") {
        actors[try row.text("id")] = AuditActor(name: try row.text("name"), email: nil)
      }
      return actors
    }
  }
}
