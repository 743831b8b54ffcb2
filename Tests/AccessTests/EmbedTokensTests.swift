import Access
import ConfigStore
import Crypto
import Domain
import Foundation
import Testing

/// Makes tokens by hand, good and bad.
private enum Forge {
  static func base64URL(_ bytes: some Sequence<UInt8>) -> String {
    Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
      .replacingOccurrences(of: "=", with: "")
  }

  static func bytes(_ part: some StringProtocol) throws -> [UInt8] {
    var text = part.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
    text += String(repeating: "=", count: (4 - text.count % 4) % 4)
    return Array(try #require(Data(base64Encoded: text)))
  }

  static func token(header: String, payload: String, key: SymmetricKey) -> String {
    let input = base64URL(header.utf8) + "." + base64URL(payload.utf8)
    return input + "." + base64URL(HMAC<SHA256>.authenticationCode(for: Data(input.utf8), using: key))
  }

  static func parts(_ token: String) -> [String] { token.split(separator: ".").map(String.init) }

  static func json(_ part: String) throws -> [String: JSONValue] {
    try #require(try JSONParser.parse(bytes(part)).objectValue)
  }
}

@Suite struct EmbedTokensTests {
  private func code(_ house: House, _ token: String) async throws -> String? {
    try await appError { _ = try await house.tokens.verify(token) }?.code
  }

  /// The token of `session` with some claims or header members changed, rightly signed by the key of `kid`.
  private func resigned(
    _ house: House, _ token: String, header changes: [String: JSONValue] = [:], claims: [String: JSONValue] = [:], key: SymmetricKey? = nil
  ) throws -> String {
    let parts = Forge.parts(token)
    let header = try Forge.json(parts[0]).merging(changes) { $1 }
    let payload = try Forge.json(parts[1]).merging(claims) { $1 }
    let kid = try #require(try Forge.json(parts[0])["kid"]?.stringValue)
    return Forge.token(
      header: JSONValue.object(header).serialized(), payload: JSONValue.object(payload).serialized(),
      key: key ?? house.secretKey.derive(info: "embed-signing-key:\(kid)"))
  }

  @Test func issuesWhatItVerifies() async throws {
    let house = try await House()
    let permissions = EmbedPermissions(
      lockedFilters: ["model": ["gpt-4", "ü/\"\\"]], hiddenWidgets: ["w_1"], allowedDimensions: [], maxDateRangeDays: 30, allowExport: false
    )
    let issued = try await house.tokens.issue(house.embedSession(permissions: permissions))
    let session = try await house.tokens.verify(issued.token)
    #expect(session.id == issued.session.id && session.tenantID.rawValue == "acme" && session.permissions == permissions)
    let header = try Forge.json(Forge.parts(issued.token)[0])
    let claims = try Forge.json(Forge.parts(issued.token)[1])
    #expect(header["alg"] == "HS256" && header["typ"] == "JWT" && header["kid"]?.stringValue?.hasPrefix("ek_") == true)
    #expect(claims["iss"] == "emban" && claims["aud"] == "emban-embed" && claims["jti"] == .string(session.id.rawValue))
    #expect(claims["org"] == .string(house.ada.organization.id.rawValue) && claims["tenant"] == "acme" && claims["env"] == "production")
    #expect(claims["dashboard"] == .string(house.dashboard.id.rawValue) && claims["permissions"] == permissions.json)
    #expect(claims["exp"] == .int(house.clock.now.milliseconds / 1000 + 3_600) && claims["iat"] == claims["nbf"])
    // The forge makes the same token: what follows is refused for the reason it names, not because the forge is wrong.
    #expect(try await house.tokens.verify(resigned(house, issued.token)).id == session.id)
  }

  @Test(arguments: [59, 86_401, 0, -1])
  func refusesLifetimes(seconds: Int) async throws {
    let house = try await House()
    let error = try await appError { _ = try await house.tokens.issue(house.embedSession(expiresIn: seconds)) }
    #expect(error?.status == 422 && error?.details.first?.field == "expires_in")
  }

  @Test func refusesForeignDashboardsAndUnknownEnvironments() async throws {
    let house = try await House()
    var foreign = house.embedSession()
    foreign.organizationID = house.grace.organization.id
    #expect(try await appError { _ = try await house.tokens.issue(foreign) }?.code == "dashboard_not_found")
    var environment = house.embedSession()
    environment.environment = EnvironmentName("staging")
    #expect(try await appError { _ = try await house.tokens.issue(environment) }?.details.first?.field == "environment")
    var huge = house.embedSession()
    huge.permissions.lockedFilters = ["model": Array(repeating: String(repeating: "x", count: 100), count: 100)]
    #expect(try await appError { _ = try await house.tokens.issue(huge) }?.details.first?.field == "permissions")
  }

  @Test func refusesAlgorithmNone() async throws {
    let house = try await House()
    let parts = Forge.parts(try await house.tokens.issue(house.embedSession()).token)
    let kid = try #require(try Forge.json(parts[0])["kid"]?.stringValue)
    for algorithm in ["none", "None", "NONE", "nOnE", ""] {
      let header = Forge.base64URL(#"{"alg":"\#(algorithm)","typ":"JWT","kid":"\#(kid)"}"#.utf8)
      #expect(try await code(house, "\(header).\(parts[1]).") == "token_invalid")
      #expect(try await code(house, "\(header).\(parts[1])") == "token_invalid")
      #expect(try await code(house, "\(header).\(parts[1]).\(parts[2])") == "token_invalid")
    }
  }

  @Test(arguments: ["HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256", "HS256 "])
  func refusesOtherAlgorithms(algorithm: String) async throws {
    let house = try await House()
    let token = try await house.tokens.issue(house.embedSession()).token
    #expect(try await code(house, resigned(house, token, header: ["alg": .string(algorithm)])) == "token_invalid")
  }

  @Test func refusesOddHeaders() async throws {
    let house = try await House()
    let token = try await house.tokens.issue(house.embedSession()).token
    let changes: [[String: JSONValue]] = [
      ["crit": ["exp"]], ["typ": "at+jwt"], ["alg": ["HS256"]], ["alg": .null], ["kid": .null], ["kid": 7], ["kid": ["ek_x"]],
    ]
    for change in changes { #expect(try await code(house, resigned(house, token, header: change)) == "token_invalid") }
    let kid = try #require(try Forge.json(Forge.parts(token)[0])["kid"]?.stringValue)
    let payload = String(decoding: try Forge.bytes(Forge.parts(token)[1]), as: UTF8.self)
    let key = house.secretKey.derive(info: "embed-signing-key:\(kid)")
    // Two kids: which one counts must not depend on the reader.
    let doubled = Forge.token(header: #"{"alg":"HS256","kid":"ek_x","kid":"\#(kid)"}"#, payload: payload, key: key)
    #expect(try await code(house, doubled) == "token_invalid")
    for header in ["", "null", "[]", "\"HS256\"", "{", "\u{0}"] {
      #expect(try await code(house, Forge.token(header: header, payload: payload, key: key)) == "token_invalid")
    }
  }

  /// jwt-kit verifies with its first key when it does not know the `kid`; we must not.
  @Test(arguments: [
    "ek_aaaaaaaaaaaaaaaaaaaa", "", "ek_", "../../secret.key", "ek_/etc/passwd00000000", "' OR 1=1 --", "ek_' OR '1'='1' -- 0000",
    "ek_%00aaaaaaaaaaaaaaaaa", "ek_ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ", "EK_AAAAAAAAAAAAAAAAAAAA",
  ])
  func refusesUnknownAndHostileKids(kid: String) async throws {
    let house = try await House()
    let token = try await house.tokens.issue(house.embedSession()).token
    #expect(try await house.tokens.verify(token).tenantID.rawValue == "acme")
    #expect(try await code(house, resigned(house, token, header: ["kid": .string(kid)])) == "token_invalid")
    // Also when the forger knows how the key of that kid would be derived.
    let derived = house.secretKey.derive(info: "embed-signing-key:\(kid)")
    #expect(try await code(house, resigned(house, token, header: ["kid": .string(kid)], key: derived)) == "token_invalid")
  }

  @Test func refusesAnotherOrganizationsKey() async throws {
    let house = try await House()
    let token = try await house.tokens.issue(house.embedSession()).token
    let other = try await DashboardRepository(house.database).create(
      house.grace.organization.id, slug: "usage", name: "Usage", config: [:], by: "grace", at: house.clock.now)
    var request = house.embedSession()
    request.organizationID = house.grace.organization.id
    request.dashboardID = other.id
    let foreign = try await house.tokens.issue(request).token
    let foreignKid = try #require(try Forge.json(Forge.parts(foreign)[0])["kid"])
    let foreignKey = house.secretKey.derive(info: "embed-signing-key:\(foreignKid.stringValue ?? "")")
    // Grace signs with her own good key a token for Ada's session.
    let forged = try resigned(house, token, header: ["kid": foreignKid], key: foreignKey)
    #expect(try await code(house, forged) == "token_invalid")
    // And one that says it is of her organisation, but means Ada's session.
    let mixed = try resigned(
      house, token, header: ["kid": foreignKid], claims: ["org": .string(house.grace.organization.id.rawValue)], key: foreignKey)
    #expect(try await code(house, mixed) == "token_invalid")
    // A server with another secret key knows none of these tokens.
    let stranger = EmbedTokens(
      house.database, secretKey: try SecretKey("kQ8vZr2mXw5tBn7yLp3dHs9fGc4jTe6a"), clock: house.clock.read)
    #expect(try await appError { _ = try await stranger.verify(token) }?.code == "token_invalid")
  }

  /// Even rightly signed, a token says nothing that the stored session does not say.
  @Test func refusesClaimsThatDifferFromTheSession() async throws {
    let house = try await House()
    let token = try await house.tokens.issue(
      house.embedSession(permissions: EmbedPermissions(lockedFilters: ["model": ["gpt-4"]], allowExport: false))
    ).token
    let changes: [[String: JSONValue]] = [
      ["tenant": "globex"], ["env": "development"], ["dashboard": "dash_aaaaaaaaaaaaaaaaaaaa"], ["permissions": EmbedPermissions().json],
      ["exp": .int(house.clock.now.milliseconds / 1000 + 7_200)], ["exp": 9e18], ["iss": "other"], ["aud": "emban-console"], ["iat": 0],
      ["nbf": .int(house.clock.now.milliseconds / 1000 + 60)], ["permissions": [:]], ["permissions": .null], ["tenant": 7],
      ["exp": "never"], ["exp": .null], ["jti": .null], ["exp": .number(1e300)],
    ]
    for change in changes {
      #expect(try await code(house, resigned(house, token, claims: change)) == "token_invalid", "\(change)")
    }
    #expect(try await code(house, resigned(house, token, claims: ["jti": "ses_aaaaaaaaaaaaaaaaaaaa"])) == "session_revoked")
  }

  @Test func refusesDamagedTokens() async throws {
    let house = try await House()
    let token = try await house.tokens.issue(house.embedSession()).token
    let parts = Forge.parts(token)
    for cut in stride(from: 0, to: token.count, by: 7) {
      #expect(try await code(house, String(token.prefix(cut))) == "token_invalid")
    }
    // The last character of the signature holds two bits that mean nothing: another spelling of the same bytes is another token.
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    let last = try #require(token.last.flatMap { alphabet.firstIndex(of: $0) })
    for bits in 1...3 {
      let respelt = String(token.dropLast()) + String(alphabet[last + bits])
      #expect(try Forge.bytes(Forge.parts(respelt)[2]) == Forge.bytes(parts[2]))
      #expect(try await code(house, respelt) == "token_invalid")
    }
    for part in 0..<3 {
      for position in [0, parts[part].count / 2, parts[part].count - 1] {
        var changed = parts
        var characters = Array(changed[part])
        characters[position] = characters[position] == "B" ? "C" : "B"
        changed[part] = String(characters)
        #expect(try await code(house, changed.joined(separator: ".")) == "token_invalid")
      }
    }
    let odd = [
      token + "=", token + ".", "." + token, token + "\n", token.replacingOccurrences(of: ".", with: ".."), " ", "a.b.c", "..", "eb_adm_x",
      String(repeating: "A", count: 5_000_000), String(repeating: ".", count: 100_000), token + String(repeating: "A", count: 10_000),
    ]
    for text in odd { #expect(try await code(house, text) == "token_invalid") }
    #expect(try await house.tokens.verify(token).tenantID.rawValue == "acme")
  }

  @Test func expiresToTheSecond() async throws {
    let house = try await House()
    let token = try await house.tokens.issue(house.embedSession(expiresIn: 60)).token
    house.clock.advance(seconds: 59.8)
    #expect(try await house.tokens.verify(token).tenantID.rawValue == "acme")
    house.clock.advance(seconds: 0.2)
    #expect(try await code(house, token) == "token_expired")
    // A forged one is not told that it is expired.
    #expect(try await code(house, resigned(house, token, key: SymmetricKey(size: .bits256))) == "token_invalid")
    #expect(try await house.tokens.purge() == 1)
    #expect(try await code(house, token) == "token_expired")
  }

  @Test func toleratesSmallDifferencesOfClocksOnly() async throws {
    let house = try await House()
    let token = try await house.tokens.issue(house.embedSession()).token
    house.clock.advance(seconds: -4)
    #expect(try await house.tokens.verify(token).tenantID.rawValue == "acme")
    house.clock.advance(seconds: -4)
    #expect(try await code(house, token) == "token_invalid")
  }

  @Test func revokesAtOnceHereAndWithinHalfASecondElsewhere() async throws {
    let house = try await House()
    let elsewhere = EmbedTokens(house.database, secretKey: house.secretKey, clock: house.clock.read)
    let first = try await house.tokens.issue(house.embedSession())
    let second = try await house.tokens.issue(house.embedSession())
    let other = try await house.tokens.issue(house.embedSession(tenant: "globex"))
    for token in [first.token, second.token, other.token] { _ = try await elsewhere.verify(token) }
    _ = try await house.tokens.verify(first.token)
    #expect(try await house.tokens.revoke(house.grace.organization.id, first.session.id) == false)
    #expect(try await house.tokens.revoke(house.ada.organization.id, first.session.id))
    #expect(try await code(house, first.token) == "session_revoked")
    house.clock.advance(seconds: 0.5)
    #expect(try await appError { _ = try await elsewhere.verify(first.token) }?.code == "session_revoked")
    _ = try await house.tokens.verify(second.token)
    #expect(try await house.tokens.revokeAll(house.ada.organization.id, tenant: TenantID("acme")).count == 1)
    #expect(try await code(house, second.token) == "session_revoked")
    #expect(try await house.tokens.verify(other.token).tenantID.rawValue == "globex")
    #expect(try await house.tokens.listLive(house.ada.organization.id).items.map(\.id) == [other.session.id])
  }

  @Test func deletingTheDashboardEndsItsSessions() async throws {
    let house = try await House()
    let token = try await house.tokens.issue(house.embedSession()).token
    try await DashboardRepository(house.database).delete(house.ada.organization.id, "usage")
    #expect(try await code(house, token) == "session_revoked")
  }

  @Test func rotatesWithOverlap() async throws {
    let house = try await House()
    let day = 86_400
    let old = try await house.tokens.issue(house.embedSession(expiresIn: day)).token
    house.clock.advance(seconds: 3_600)
    let key = try await house.tokens.rotateKey(house.ada.organization.id)
    let new = try await house.tokens.issue(house.embedSession(expiresIn: day)).token
    #expect(try Forge.json(Forge.parts(new)[0])["kid"] == .string(key.kid))
    #expect(try await house.tokens.verify(old).tenantID == house.tokens.verify(new).tenantID)
    house.clock.advance(seconds: Double(day))
    // No token of the old key can be alive any more; a forged one that claims to be is refused by the key's age.
    let oldKid = try #require(try Forge.json(Forge.parts(old)[0])["kid"]?.stringValue)
    let forged = try resigned(
      house, new, header: ["kid": .string(oldKid)], claims: ["exp": .int(house.clock.now.milliseconds / 1000 + 600)],
      key: house.secretKey.derive(info: "embed-signing-key:\(oldKid)"))
    #expect(try await code(house, forged) == "token_invalid")
  }

  @Test func tokensOutliveARestart() async throws {
    let house = try await House()
    let token = try await house.tokens.issue(house.embedSession()).token
    try await house.database.close()
    let database = try SQLiteDatabase(path: house.folder.path + "/config.sqlite")
    let secretKey = try SecretKey.load(value: nil, dataDirectory: house.folder.path)
    let session = try await EmbedTokens(database, secretKey: secretKey, clock: house.clock.read).verify(token)
    #expect(session.tenantID.rawValue == "acme")
  }
}
