import Access
import ConfigStore
import Domain
import Testing

@Suite struct PasswordTests {
  @Test func hashesWithTheStandardParameters() async throws {
    let hasher = PasswordHasher()
    let hash = try await hasher.hash(House.password)
    #expect(hash.hasPrefix("scrypt$32768$8$3$") && !hash.contains(House.password))
    #expect(try await hasher.verify(House.password, against: hash) == .correct(needsRehash: false))
    #expect(try await hasher.verify(House.password + "!", against: hash) == .wrong)
  }

  /// The scrypt test vector of RFC 7914, section 12: hashes made elsewhere must verify here.
  @Test func agreesWithTheStandardsVector() async throws {
    let key = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
    let salt = "NaCl".utf8.map { String($0, radix: 16) }.joined()
    let verdict = try await PasswordHasher(parameters: House.quick).verify("password", against: "scrypt$1024$8$16$\(salt)$\(key)")
    #expect(verdict == .correct(needsRehash: true))
  }

  @Test func saltsEachHash() async throws {
    let hasher = PasswordHasher(parameters: House.quick)
    #expect(try await hasher.hash("same password") != (try await hasher.hash("same password")))
  }

  @Test func asksForARehash() async throws {
    let old = try await PasswordHasher(parameters: House.quick).hash(House.password)
    let stronger = PasswordHasher(parameters: PasswordHasher.Parameters(rounds: 32, blockSize: 8, parallelism: 1))
    #expect(try await stronger.verify(House.password, against: old) == .correct(needsRehash: true))
  }

  @Test(arguments: [
    nil, "", "none", "scrypt$16$8$1$00$", "scrypt$16$8$1$zz$00", "scrypt$15$8$1$00$00", "scrypt$16$8$1$00$00$00",
    "scrypt$99999999999$8$1$00112233$" + String(repeating: "00", count: 32), "bcrypt$16$8$1$00$" + String(repeating: "00", count: 32),
  ])
  func refusesEverythingWithoutAHash(hash: String?) async throws {
    let hasher = PasswordHasher(parameters: House.quick)
    #expect(try await hasher.verify(House.password, against: hash) == .wrong)
    #expect(try await hasher.verify("", against: hash) == .wrong)
  }

  /// The time must not tell whether an account exists: both do the same work. The bound is loose, for a busy machine; a short cut
  /// would be off by orders of magnitude.
  @Test func takesAsLongForUnknownUsers() async throws {
    let hasher = PasswordHasher(parameters: PasswordHasher.Parameters(rounds: 4_096, blockSize: 8, parallelism: 1))
    let hash = try await hasher.hash(House.password)
    var known = Duration.seconds(60)
    var unknown = Duration.seconds(60)
    for _ in 0..<5 {
      known = min(known, try await ContinuousClock().measure { _ = try await hasher.verify("a wrong password", against: hash) })
      unknown = min(unknown, try await ContinuousClock().measure { _ = try await hasher.verify("a wrong password", against: nil) })
    }
    #expect(unknown > known * 0.2)
  }

  @Test func refusesMoreThanCanWait() async throws {
    let hasher = PasswordHasher(
      parameters: PasswordHasher.Parameters(rounds: 16_384, blockSize: 8, parallelism: 1), atOnce: 1, waiting: 2)
    let codes = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<20 {
        group.addTask { try await appError { _ = try await hasher.hash(House.password) }?.code ?? "done" }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(codes.contains("busy") && codes.contains("done"))
    // What was refused leaves nothing behind.
    #expect(try await hasher.hash(House.password).hasPrefix("scrypt$"))
  }

  @Test(arguments: [
    ("short", "too_short"), (String(repeating: "x", count: 257), "too_long"), ("ADA@example.com", "same_as_email"),
    ("ten chars!", nil),
  ])
  func appliesTheRules(password: String, code: String?) {
    let problems = Problems()
    PasswordRules.check(password, email: "ada@example.com", problems: problems)
    #expect(problems.list.first?.code == code && problems.list.allSatisfy { $0.field == "password" })
  }
}

@Suite struct LoginLimiterTests {
  private let clock = TestClock()

  private func limiter(attempts: Int = 3, addressAttempts: Int = 100, buckets: Int = 100) -> LoginLimiter {
    LoginLimiter(
      perEmail: LoginLimiter.Allowance(attempts: attempts, secondsPerAttempt: 10),
      perAddress: LoginLimiter.Allowance(attempts: addressAttempts, secondsPerAttempt: 1), maximumBuckets: buckets, clock: clock.read)
  }

  private func spend(_ limiter: LoginLimiter, _ email: String?, _ address: String? = nil) -> AppError? {
    do {
      try limiter.spend(email: email.flatMap { EmailAddress($0) }, address: address)
      return nil
    } catch {
      return error
    }
  }

  @Test func limitsAnAddressOfMailAndRefills() {
    let limiter = limiter()
    for _ in 0..<3 { #expect(spend(limiter, "ada@example.com") == nil) }
    let error = spend(limiter, "Ada@Example.com")
    #expect(error?.status == 429 && error?.retryAfter == 10 && error?.code == "rate_limited")
    #expect(spend(limiter, "grace@example.com") == nil)
    clock.advance(seconds: 9)
    #expect(spend(limiter, "ada@example.com")?.retryAfter == 1)
    clock.advance(seconds: 1)
    #expect(spend(limiter, "ada@example.com") == nil)
    #expect(spend(limiter, "ada@example.com")?.status == 429)
  }

  /// A stranger must not keep a person from signing in, and many strangers must not guess without end.
  @Test func countsAnAddressOfMailApartForEachRemoteAddress() {
    let limiter = LoginLimiter(
      perEmail: .init(attempts: 3, secondsPerAttempt: 10), perEmailAnywhere: .init(attempts: 7, secondsPerAttempt: 10), clock: clock.read)
    for _ in 0..<3 { #expect(spend(limiter, "ada@example.com", "192.0.2.1") == nil) }
    #expect(spend(limiter, "ada@example.com", "192.0.2.1")?.status == 429)
    for _ in 0..<3 { #expect(spend(limiter, "ada@example.com", "192.0.2.2") == nil) }
    #expect(spend(limiter, "ada@example.com", "192.0.2.3") == nil)
    #expect(spend(limiter, "ada@example.com", "192.0.2.4")?.status == 429)
    #expect(spend(limiter, "grace@example.com", "192.0.2.4") == nil)
  }

  @Test func whoIsSignedInHasABucketOfTheirOwn() throws {
    let limiter = limiter()
    for _ in 0..<4 { _ = spend(limiter, "ada@example.com") }
    let ada = UserID("usr_ada")
    for _ in 0..<3 { try limiter.spend(person: ada) }
    #expect(throws: AppError.self) { try limiter.spend(person: ada) }
    try limiter.spend(person: UserID("usr_grace"))
    limiter.refund(person: ada)
    try limiter.spend(person: ada)
  }

  @Test func limitsARemoteAddressOverManyNames() {
    let limiter = limiter(addressAttempts: 5)
    for number in 0..<5 { #expect(spend(limiter, "u\(number)@example.com", "192.0.2.1") == nil) }
    #expect(spend(limiter, "u9@example.com", "192.0.2.1")?.status == 429)
    #expect(spend(limiter, "u9@example.com", "192.0.2.2") == nil)
  }

  @Test func countsAnIPv6NetworkAsOne() {
    let limiter = limiter(addressAttempts: 2)
    #expect(spend(limiter, nil, "2001:db8:1:2::1") == nil)
    #expect(spend(limiter, nil, "2001:db8:1:2:ffff::9") == nil)
    #expect(spend(limiter, nil, "2001:db8:1:2:abcd:1:2:3")?.status == 429)
    #expect(spend(limiter, nil, "2001:db8:1:3::1") == nil)
    #expect(spend(limiter, nil, "::ffff:192.0.2.1") == nil)
    #expect(spend(limiter, nil, "::ffff:192.0.2.2") == nil)
    #expect(spend(limiter, nil, "::ffff:192.0.2.2") == nil)
  }

  @Test func givesBackWhatWasRight() {
    let limiter = limiter()
    for _ in 0..<50 {
      #expect(spend(limiter, "ada@example.com", "192.0.2.1") == nil)
      limiter.refund(email: EmailAddress("ada@example.com"), address: "192.0.2.1")
    }
    #expect(limiter.bucketCount == 0)
  }

  @Test func boundsItsMemoryAndKeepsTheGuilty() {
    let limiter = limiter(buckets: 100)
    for _ in 0..<3 { #expect(spend(limiter, "ada@example.com") == nil) }
    for number in 0..<5_000 { _ = spend(limiter, "u\(number)@example.com") }
    #expect(limiter.bucketCount <= 100)
    #expect(spend(limiter, "ada@example.com")?.status == 429)
  }

  @Test func aClockSetBackRefillsNothing() {
    let limiter = limiter()
    for _ in 0..<3 { #expect(spend(limiter, "ada@example.com") == nil) }
    clock.advance(seconds: -3_600)
    #expect(spend(limiter, "ada@example.com")?.status == 429)
  }
}
