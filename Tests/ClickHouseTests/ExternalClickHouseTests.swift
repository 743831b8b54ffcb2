import ClickHouse
import Domain
import Logging
import TestSupport
import Testing

@Suite struct ExternalClickHouseTests {
  @Test(arguments: [
    ("http://h", "http://h:8123", "default"), ("https://h/", "https://h:8443", "default"),
    ("http://u:p@h:9000", "http://h:9000", "u"), ("HTTP://a%40b:p%3A@[::1]:9000/", "http://[::1]:9000", "a@b"),
    ("http://[::1]", "http://[::1]:8123", "default"), ("http://u@h", "http://h:8123", "u"),
    ("http://u:p@ss:w@h", "http://h:8123", "u"),
  ])
  func addressesAreRead(text: String, url: String, user: String) throws {
    let endpoint = try ClickHouseEndpoint(parsing: text)
    #expect(endpoint.url == url)
    #expect(endpoint.user == user)
  }

  @Test(arguments: [
    "", "h:8123", "ftp://h", "http://", "http://h:0", "http://h:99999", "http://h:x", "http://u:%zz@h", "http://h/x", "http://h?x",
  ])
  func wrongAddressesAreRefused(text: String) {
    #expect(throws: ClickHouseConfigurationError.self) { _ = try ClickHouseEndpoint(parsing: text) }
  }

  @Test func credentialsAreNotShown() throws {
    let endpoint = try ClickHouseEndpoint(parsing: "http://user:hunter2@host")
    #expect(!"\(endpoint) \(String(reflecting: endpoint))".contains("hunter2"))
    var dumped = ""
    dump(endpoint, to: &dumped)
    dump(ReaderPasswords(viewer: "hunter2", analyst: "hunter2", exporter: "hunter2"), to: &dumped)
    #expect(!dumped.contains("hunter2"))
  }

  @Test func aForeignServerIsWatched() async throws {
    let test = try await TestClickHouse.shared()
    let server = ExternalClickHouse(
      endpoint: try test.server.endpoint(), httpClient: test.httpClient, logger: test.logger, interval: .milliseconds(50))
    let task = Task { try await server.run() }
    try await server.waitUntilReady()
    #expect(try server.endpoint() == test.server.endpoint())
    task.cancel()
    try await task.value
    #expect(!server.status.isReady)
  }

  @Test func aServerThatDoesNotLetUsInIsToldOnce() async throws {
    let test = try await TestClickHouse.shared()
    let endpoint = ClickHouseEndpoint(url: try test.server.endpoint().url, user: "nobody", password: "x")
    let server = ExternalClickHouse(endpoint: endpoint, httpClient: test.httpClient, logger: test.logger)
    await #expect(
      performing: {
        try await server.run()
      },
      throws: { error in
        "\(error)".contains("does not let the user 'nobody' in")
      })
  }

  /// A password is changed under a running program, and changed back.
  @Test func aServerThatDoesNotLetUsInAnyMoreIsAskedAgain() async throws {
    let test = try await TestClickHouse.shared()
    try await test.client.execute("CREATE USER OR REPLACE passing IDENTIFIED BY 'right'")
    try await test.client.execute("GRANT ALL ON emban.* TO passing")
    var logger = test.logger
    logger.logLevel = .critical
    let endpoint = ClickHouseEndpoint(url: try test.server.endpoint().url, user: "passing", password: "right")
    let server = ExternalClickHouse(endpoint: endpoint, httpClient: test.httpClient, logger: logger, interval: .milliseconds(50))
    let task = Task { try await server.run() }
    try await server.waitUntilReady()
    try await test.client.execute("ALTER USER passing IDENTIFIED BY 'other'")
    for await status in server.statusChanges() {
      if case .refused(let reason) = status {
        #expect(reason.contains("does not let the user 'passing' in"))
        break
      }
    }
    #expect(throws: ClickHouseError.self) { _ = try server.endpoint() }
    try await test.client.execute("ALTER USER passing IDENTIFIED BY 'right'")
    try await server.waitUntilReady()
    task.cancel()
    try await task.value
    try await test.client.execute("DROP USER passing")
  }

  @Test(arguments: [516, 192, 497, 62, 60, 115, 16]) func refusalsLast(code: Int) async throws {
    #expect(try await !answer(code).mayPass)
  }

  @Test(arguments: [159, 160, 241, 202, 236, 243, 999, 1001, 210, 209, 425, 74, 76]) func everythingElsePasses(code: Int) async throws {
    #expect(try await answer(code).mayPass)
    #expect(ClickHouseError.protocolError("HTTP status 502").mayPass && ClickHouseError.unavailable("").mayPass)
  }

  /// The server's own answer with a code.
  private func answer(_ code: Int) async throws -> ClickHouseError {
    let test = try await TestClickHouse.shared()
    do {
      _ = try await test.client.query(
        "SELECT throwIf(1, 'x', toInt16(\(bind: code)))", as: .admin, settings: ["allow_custom_error_code_in_throwif": "1"])
    } catch let error as ClickHouseError {
      return error
    }
    return .protocolError("no error")
  }

  @Test func aServerThatIsAwayIsWaitedFor() async throws {
    let test = try await TestClickHouse.shared()
    var logger = test.logger
    logger.logLevel = .critical
    let server = ExternalClickHouse(
      endpoint: ClickHouseEndpoint(url: "http://127.0.0.1:1", user: "x", password: "y"), httpClient: test.httpClient, logger: logger)
    let task = Task { try await server.run() }
    for await status in server.statusChanges() {
      if case .down = status { break }
    }
    #expect(throws: ClickHouseError.self) { _ = try server.endpoint() }
    task.cancel()
    try await task.value
  }
}
