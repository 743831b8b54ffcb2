import ConfigStore
import Domain
import JWTKit

/// What an embed token says. Times are whole seconds since 1970.
struct EmbedClaims: JWTPayload, Hashable {
  static let issuer = "emban"
  static let audience = "emban-embed"

  let iss: String
  let aud: String
  let iat: Int
  let nbf: Int
  let exp: Int
  /// The session's id.
  let jti: String
  let org: String
  let env: String
  let tenant: String
  /// Another text for each user of the tenant, where the session's context names one: pages tell by it whose data they may keep. Nobody can read
  /// the user's name from it.
  private(set) var sub: String?
  private(set) var dashboard: String
  let permissions: ClaimValue

  init(_ session: EmbedSession) {
    iss = Self.issuer
    aud = Self.audience
    iat = Int(session.createdAt.milliseconds / 1000)
    nbf = iat
    exp = Int(session.expiresAt.milliseconds / 1000)
    jti = session.id.rawValue
    org = session.organizationID.rawValue
    env = session.environment.rawValue
    tenant = session.tenantID.rawValue
    sub = Self.subject(of: session)
    dashboard = session.dashboardID.rawValue
    permissions = ClaimValue(session.permissions.json)
  }

  /// Whether these are the claims of a session as it stands. A session of a data app goes on with another dashboard when its own is deleted.
  func belong(to session: EmbedSession) -> Bool {
    var wanted = EmbedClaims(session)
    if session.dataAppID != nil { wanted.dashboard = dashboard }
    return self == wanted
  }

  private static func subject(of session: EmbedSession) -> String? {
    let user = session.viewerID
    guard !user.isEmpty else { return nil }
    let named = JSONValue.strings([session.organizationID.rawValue, session.environment.rawValue, session.tenantID.rawValue, user])
    return String(named.serialized().sha256.prefix(24))
  }

  /// The last line of defence after the header's check: the key that verified must be an HS256 one. Everything else is checked by
  /// ``EmbedTokens``, which has the clock and the store.
  func verify(using algorithm: some JWTAlgorithm) async throws {
    guard algorithm.name == "HS256" else {
      throw JWTError.generic(identifier: "algorithm", reason: "Embed tokens are signed by HS256.")
    }
  }
}

/// A JSON value as a claim.
struct ClaimValue: Codable, Sendable, Hashable {
  let json: JSONValue

  init(_ json: JSONValue) { self.json = json }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      json = .null
    } else if let value = try? container.decode(Bool.self) {
      json = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      json = .number(value)
    } else if let value = try? container.decode(String.self) {
      json = .string(value)
    } else if let values = try? container.decode([ClaimValue].self) {
      json = .array(values.map(\.json))
    } else {
      json = .object(try container.decode([String: ClaimValue].self).mapValues(\.json))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch json {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let values): try container.encode(values.map(ClaimValue.init))
    case .object(let members): try container.encode(members.mapValues(ClaimValue.init))
    }
  }
}
