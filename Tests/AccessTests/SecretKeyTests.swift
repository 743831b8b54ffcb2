import Access
import Crypto
import Foundation
import Testing

@Suite struct SecretKeyTests {
  private let good = "kQ8vZr2mXw5tBn7yLp3dHs9fGc4jTe6a"

  @Test(arguments: [
    "", "changeme", "secret", "short-but-random-x7Kq", String(repeating: "a", count: 64), "abababababababababababababababababab",
    "0123456789abcdef0123456789abcdef", "please-change-me-before-production-1a2b", "my-super-secret-key-for-this-server-9z",
    "YOUR_SECRET_KEY_GOES_HERE_0123456789", "password-password-password-12-34-56", "abcdefghijklmnopqrstuvwxyz012345",
  ])
  func refusesWeakValues(value: String) throws {
    let error = #expect(throws: SecretKeyError.self) { try SecretKey(value) }
    let sentence = try #require(error?.description)
    #expect(sentence.hasPrefix("EMBAN_SECRET_KEY "))
    #expect(value.isEmpty || !sentence.contains(value) || ["changeme", "secret"].contains(value))
  }

  @Test func derivesIndependentStableKeys() throws {
    let key = try SecretKey(good)
    #expect(key.derive(info: "a") == (try SecretKey(good)).derive(info: "a"))
    #expect(key.derive(info: "a") != key.derive(info: "b"))
    #expect(key.derive(info: "a") != (try SecretKey(String(good.reversed()))).derive(info: "a"))
    #expect(key.derive(info: "a").bitCount == 256)
    let password = key.derivePassword(info: "clickhouse:viewer")
    #expect(password.count == 64 && password.allSatisfy(\.isHexDigit))
  }

  /// The derivation is part of the data's format: another value would lock every server out of its own ClickHouse users.
  @Test func derivesByHKDF() throws {
    let expected = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: Data(good.utf8)), salt: Data("emban.secret-key.v1".utf8), info: Data("x".utf8),
      outputByteCount: 32)
    #expect(try SecretKey(good).derive(info: "x") == expected)
  }

  @Test func isNeverPrinted() throws {
    let key = try SecretKey(good)
    var dumped = ""
    dump(key, to: &dumped)
    for text in ["\(key)", String(reflecting: key), dumped, "\([key])", "\(String(describing: Optional(key)))"] {
      #expect(!text.contains(good) && !text.contains("SymmetricKey") && text.contains("[redacted]"))
    }
  }

  @Test func makesAPrivateFileOnceAndKeepsIt() throws {
    let folder = try TemporaryFolder()
    let first = try SecretKey.load(value: nil, dataDirectory: folder.path)
    let path = folder.path + "/secret.key"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.count == 65 && text.hasSuffix("\n"))
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["secret.key"])
    let second = try SecretKey.load(value: nil, dataDirectory: folder.path)
    #expect(first.derive(info: "x") == second.derive(info: "x"))
    let another = try TemporaryFolder()
    let other = try SecretKey.load(value: nil, dataDirectory: another.path)
    #expect(first.derive(info: "x") != other.derive(info: "x"))
  }

  @Test func prefersTheGivenValue() throws {
    let folder = try TemporaryFolder()
    let key = try SecretKey.load(value: good, dataDirectory: folder.path)
    #expect(key.derive(info: "x") == (try SecretKey(good)).derive(info: "x"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test(arguments: [0o644, 0o640, 0o604])
  func refusesAFileThatOthersMayRead(mode: Int) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/secret.key"
    _ = try SecretKey.load(value: nil, dataDirectory: folder.path)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    let error = #expect(throws: SecretKeyError.self) { try SecretKey.load(value: nil, dataDirectory: folder.path) }
    #expect(error?.description.contains("chmod 600") == true)
  }

  @Test func refusesAWeakOrBrokenFile() throws {
    for text in ["", "changeme\n"] {
      let folder = try TemporaryFolder()
      #expect(
        FileManager.default.createFile(
          atPath: folder.path + "/secret.key", contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
      #expect(throws: SecretKeyError.self) { try SecretKey.load(value: nil, dataDirectory: folder.path) }
    }
    #expect(throws: SecretKeyError.self) { try SecretKey.load(value: nil, dataDirectory: "/nonexistent/folder") }
  }
}
