public import ConfigStore

/// What a route asks of whoever calls it. Every route states one; what no line of ``permits(_:)-(Principal)`` allows is refused.
public enum AccessRule: String, Sendable, Hashable, CaseIterable {
  /// Anybody, without a credential: login, registration, health, pages.
  case `public`
  /// A signed-in person of any role: who am I, sign out.
  case session
  /// Dashboards and queries, reading only.
  case read
  /// Drafts and widgets.
  case edit
  /// Publishing, keys, embed sessions, settings, the audit log.
  case admin
  /// Inviting and removing people: people alone, because an account outlives the key that somebody lost.
  case team
  /// Deleting the organisation, changing roles.
  case owner
  /// Sending events.
  case ingest
  /// A viewer's own routes.
  case embed

  /// What each role of a person may do, whole.
  private static let roles: [Role: Set<AccessRule>] = [
    .owner: [.session, .read, .edit, .admin, .team, .owner],
    .admin: [.session, .read, .edit, .admin, .team],
    .editor: [.session, .read, .edit],
    .member: [.session, .read],
  ]

  /// What each scope of an API key may do, whole.
  private static let scopes: [KeyScope: Set<AccessRule>] = [
    .admin: [.ingest, .read, .edit, .admin],
    .ingest: [.ingest],
  ]

  public func permits(_ role: Role) -> Bool { Self.roles[role]?.contains(self) ?? false }

  public func permits(_ scope: KeyScope) -> Bool { Self.scopes[scope]?.contains(self) ?? false }

  /// Whether the principal may do it: an embed token opens a viewer's routes and nothing else, keys and people everything but these.
  public func permits(_ principal: Principal) -> Bool {
    switch principal {
    case .apiKey(let key): permits(key.scope)
    case .user(let user): permits(user.role)
    case .embed: self == .embed
    }
  }
}
