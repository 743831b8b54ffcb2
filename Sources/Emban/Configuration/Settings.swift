import ConfigStore
import Configuration
import Delivery
import Domain
import Foundation
import HTTPAPI
import Logging
import Rollups
import SystemPackage

/// A setting that cannot be used: `key` is its environment name.
struct SettingsError: Error, CustomStringConvertible {
  let key: String
  let expected: String

  var description: String { "\(key): \(expected)" }
}

/// Everything that can be set from outside. Each key can come from a flag (`--data-dir`), from the environment
/// (`EMBAN_DATA_DIR`) or from `emban.yaml` (`data_dir`), in this order of precedence.
///
/// Keys: `host` (127.0.0.1), `port` (8080), `public_url` (http://localhost:PORT), `data_dir` (./data), `database_url`
/// (sqlite in the data directory), `clickhouse_url` (absent: own child process), `clickhouse_bin`, `secret_key` (absent: made
/// on first run), `default_plan` (scale), `allowed_origins` (comma-separated; absent: any), `log_level` (info), `assets_dir`,
/// `rollup_events` (1000000; 0 makes and uses no rollups), `rollup_interval` (20 seconds), `rollup_quiet` (60 seconds), `cache_mb` (64; 0 keeps
/// no answers), `query_seconds` (20; at most 60), `sql_seconds` (30; at most 600), `spool_mb` (1024; 0 keeps no events while the event store is away), `session_rate` (100; 0 does not limit embed sessions),
/// `adopt_events` (0; 1 takes the events of another configuration store over), `smtp_url` (absent: no mails are sent), `mail_from`
/// (emban@ the host of the public URL), `trusted_proxies` (absent: none).
struct Settings: Sendable {
  var host: String
  var port: Int
  var publicURL: URL
  var dataDirectory: URL
  var databaseURL: String?
  /// With credentials: never logged.
  var clickHouseURL: String?
  var clickHouseBinary: String?
  var secretKey: String?
  var defaultPlan: String
  var allowedOrigins: [String]
  var logLevel: Logger.Level
  var assetsDirectory: URL?
  /// How much memory answers may take that are kept for the next to ask.
  var cacheMegabytes = 64
  /// How long one statement of a viewer or a key may take in ClickHouse.
  var querySeconds = 20
  /// How long one statement may take that people write in SQL.
  var sqlSeconds = Limits.sqlSeconds
  /// How much disk the events may take that wait for the event store.
  var spoolMegabytes = 1024
  /// How many requests a second one embed session may make in the long run; 0 for any number.
  var sessionRate = Limits.sessionRequestsPerSecond
  /// Takes the events over if they belong to another configuration store.
  var adoptsEvents = false
  /// Where mails are handed over; with credentials: never logged. Nil when none are sent.
  var mailServer: MailServer?
  /// The address that mails come from.
  var mailFrom: String
  /// Whose `X-Forwarded-For` is believed.
  var trustedProxies = TrustedProxies()
  /// From how many events on a tenant's days are rolled up, how often that is looked at, and how long a day must have been quiet.
  var rollups = RollupSettings()

  /// The public URL as text, without a slash at the end.
  var publicAddress: String {
    let text = publicURL.absoluteString
    return text.hasSuffix("/") ? String(text.dropLast()) : text
  }

  /// The SQLite file of the configuration.
  var configurationStorePath: String {
    guard let databaseURL else { return dataDirectory.appending(path: "emban.sqlite").path(percentEncoded: false) }
    let path = String(databaseURL.dropFirst("sqlite://".count))
    // `sqlite:///./file` is relative to the working directory.
    return path.hasPrefix("/./") ? String(path.dropFirst(3)) : path
  }

  static let keys = [
    "host", "port", "public_url", "data_dir", "database_url", "clickhouse_url", "clickhouse_bin", "secret_key", "default_plan",
    "allowed_origins", "log_level", "assets_dir", "cache_mb", "query_seconds", "sql_seconds", "spool_mb", "rollup_events",
    "rollup_interval",
    "rollup_quiet", "session_rate", "adopt_events", "smtp_url", "mail_from",
    "trusted_proxies",
  ]

  static let plans = ["free", "starter", "growth", "scale"]

  /// Reads flags, then environment, then the file.
  /// - Parameters:
  ///   - flags: values given on the command line, by key.
  ///   - file: the settings file; nil takes `emban.yaml` in the working directory if it is there.
  /// - Throws: ``SettingsError`` naming the key of the first wrong value.
  static func load(
    flags: [String: String], environment: [String: String] = ProcessInfo.processInfo.environment, file: String?
  ) async throws -> Settings {
    let path = file ?? "emban.yaml"
    try refuseUnknownKeys(inFile: path)
    let yaml: FileProvider<YAMLSnapshot>
    do {
      yaml = try await FileProvider<YAMLSnapshot>(filePath: FilePath(path), allowMissing: file == nil)
    } catch {
      throw SettingsError(key: path, expected: "must be a readable YAML file of settings (\(error))")
    }
    let flagValues = Dictionary(
      uniqueKeysWithValues: flags.map { (AbsoluteConfigKey([$0.key]), ConfigValue(.string($0.value), isSecret: true)) })
    let reader = ConfigReader(providers: [
      InMemoryProvider(name: "flags", values: flagValues),
      EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "emban"),
      yaml,
    ])
    return try Settings(reader: reader)
  }

  init(reader: ConfigReader) throws(SettingsError) {
    func text(_ key: String) -> String? {
      let value = reader.string(forKey: ConfigKey([key]), isSecret: true)
      return value?.isEmpty == true ? nil : value
    }
    host = text("host") ?? "127.0.0.1"
    port = 8080
    if let given = text("port") {
      guard let number = Int(given), 1...65_535 ~= number else {
        throw SettingsError(key: "EMBAN_PORT", expected: "must be a whole number between 1 and 65535, not '\(given.prefix(50))'")
      }
      port = number
    }
    let address = text("public_url") ?? "http://localhost:\(port)"
    guard let url = URL(string: address), let scheme = url.scheme, ["http", "https"].contains(scheme), url.host() != nil,
      url.query() == nil, url.user() == nil
    else {
      throw SettingsError(
        key: "EMBAN_PUBLIC_URL", expected: "must be an http or https address such as https://analytics.example.com")
    }
    publicURL = url
    mailFrom = "emban@\(url.host() ?? "localhost")"
    dataDirectory = URL(filePath: text("data_dir") ?? "data", directoryHint: .isDirectory).absoluteURL.standardizedFileURL
    databaseURL = text("database_url")
    if let databaseURL, !databaseURL.hasPrefix("sqlite:///") {
      throw SettingsError(
        key: "EMBAN_DATABASE_URL", expected: "must begin with sqlite:/// (this version keeps its configuration in SQLite)")
    }
    clickHouseURL = text("clickhouse_url")
    clickHouseBinary = text("clickhouse_bin")
    if let clickHouseBinary, !FileManager.default.isExecutableFile(atPath: clickHouseBinary) {
      throw SettingsError(key: "EMBAN_CLICKHOUSE_BIN", expected: "must be the path of an executable clickhouse program")
    }
    secretKey = text("secret_key")
    defaultPlan = text("default_plan") ?? "scale"
    guard Self.plans.contains(defaultPlan) else {
      throw SettingsError(key: "EMBAN_DEFAULT_PLAN", expected: "must be one of \(Self.plans.joined(separator: ", "))")
    }
    allowedOrigins = []
    for origin in (text("allowed_origins") ?? "").split(separator: ",") {
      let trimmed = origin.trimmingCharacters(in: .whitespaces)
      guard Origin.isValid(trimmed) else {
        throw SettingsError(
          key: "EMBAN_ALLOWED_ORIGINS", expected: "must hold origins such as https://app.example.com, separated by commas")
      }
      allowedOrigins.append(trimmed)
    }
    let level = text("log_level") ?? "info"
    guard let parsedLevel = Logger.Level(rawValue: level.lowercased()) else {
      let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
      throw SettingsError(key: "EMBAN_LOG_LEVEL", expected: "must be one of \(levels)")
    }
    logLevel = parsedLevel
    assetsDirectory = text("assets_dir").map { URL(filePath: $0, directoryHint: .isDirectory) }
    func number(_ key: String, from least: Int) throws(SettingsError) -> Int? {
      guard let given = text(key) else { return nil }
      guard let number = Int(given), least...1_000_000_000_000 ~= number else {
        throw SettingsError(
          key: "EMBAN_\(key.uppercased())", expected: "must be a whole number from \(least) on, not '\(given.prefix(50))'")
      }
      return number
    }
    if let megabytes = try number("cache_mb", from: 0) {
      guard megabytes <= 1_048_576 else { throw SettingsError(key: "EMBAN_CACHE_MB", expected: "must be at most 1048576") }
      cacheMegabytes = megabytes
    }
    if let seconds = try number("query_seconds", from: 1) {
      guard seconds <= 60 else { throw SettingsError(key: "EMBAN_QUERY_SECONDS", expected: "must be at most 60") }
      querySeconds = seconds
    }
    if let seconds = try number("sql_seconds", from: 1) {
      guard seconds <= 600 else { throw SettingsError(key: "EMBAN_SQL_SECONDS", expected: "must be at most 600") }
      sqlSeconds = seconds
    }
    if let megabytes = try number("spool_mb", from: 0) {
      guard megabytes <= 1_048_576 else { throw SettingsError(key: "EMBAN_SPOOL_MB", expected: "must be at most 1048576") }
      spoolMegabytes = megabytes
    }
    if let requests = try number("session_rate", from: 0) {
      guard requests <= 1_000_000 else { throw SettingsError(key: "EMBAN_SESSION_RATE", expected: "must be at most 1000000") }
      sessionRate = requests
    }
    if let adopts = text("adopt_events") {
      guard ["0", "1"].contains(adopts) else { throw SettingsError(key: "EMBAN_ADOPT_EVENTS", expected: "must be 0 or 1") }
      adoptsEvents = adopts == "1"
    }
    do throws(MailServer.Invalid) {
      mailServer = try text("smtp_url").map { address throws(MailServer.Invalid) in try MailServer(parsing: address) }
    } catch {
      throw SettingsError(key: "EMBAN_SMTP_URL", expected: error.description)
    }
    if let sender = text("mail_from") {
      guard let address = EmailAddress(sender),
        address.value.utf8.allSatisfy({ $0 < 0x80 && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") })
      else { throw SettingsError(key: "EMBAN_MAIL_FROM", expected: "must be an e-mail address such as emban@example.com") }
      mailFrom = address.value
    }
    if let list = text("trusted_proxies") {
      guard let proxies = TrustedProxies(parsing: list) else {
        throw SettingsError(
          key: "EMBAN_TRUSTED_PROXIES", expected: "must hold addresses and networks such as 10.0.0.0/8 or 192.0.2.7, separated by commas")
      }
      trustedProxies = proxies
    }
    if let events = try number("rollup_events", from: 0) { rollups.minimumEvents = events }
    if let seconds = try number("rollup_interval", from: 1) { rollups.interval = .seconds(seconds) }
    if let seconds = try number("rollup_quiet", from: 0) { rollups.quiet = .seconds(seconds) }
  }

  /// A misspelt key in the file must not be ignored silently, nor a list where one value belongs; the file is flat, so its keys are the
  /// words before a colon.
  private static func refuseUnknownKeys(inFile path: String) throws(SettingsError) {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return }
    for line in text.split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":"), let first = line.first, first.isLetter else { continue }
      let key = String(line[..<colon])
      guard keys.contains(key) else {
        throw SettingsError(key: "\(key) in \(path)", expected: "is not a known setting; known are \(keys.joined(separator: ", "))")
      }
      let value = line[colon...].dropFirst().drop(while: \.isWhitespace)
      if value.isEmpty || value.hasPrefix("#") || value.hasPrefix("[") || value.hasPrefix("{") {
        throw SettingsError(key: "\(key) in \(path)", expected: "must be one value on its line; lists are separated by commas")
      }
    }
  }
}
