import Foundation
import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// The `clickhouse` program that the supervisor starts.
struct ClickHouseBinary: Sendable, Hashable {
  let path: String

  /// Looks, in this order, at the operator's setting, at `clickhouse` in PATH when it is new enough, and for
  /// `share/emban/clickhouse/clickhouse` in every folder above the program (where the build and the packages put it).
  ///
  /// - Throws: ``ClickHouseConfigurationError`` with a sentence that says what to do.
  static func find(
    setting: String?, searchPath: String? = ProcessInfo.processInfo.environment["PATH"],
    program: String = ClickHouseBinary.currentProgram
  ) async throws -> ClickHouseBinary {
    if let setting, !setting.isEmpty {
      guard isExecutable(setting) else {
        throw ClickHouseConfigurationError(reason: "EMBAN_CLICKHOUSE_BIN: \(setting) is not an executable file.")
      }
      guard let version = await version(of: setting) else {
        throw ClickHouseConfigurationError(
          reason: "EMBAN_CLICKHOUSE_BIN: \(setting) --version does not answer as ClickHouse does.")
      }
      guard version >= .minimum else {
        throw ClickHouseConfigurationError(
          reason: "EMBAN_CLICKHOUSE_BIN: \(setting) is ClickHouse \(version); Emban needs \(ClickHouseVersion.minimum) or newer.")
      }
      return ClickHouseBinary(path: setting)
    }
    for folder in (searchPath ?? "").split(separator: ":") {
      let candidate = "\(folder)/clickhouse"
      if isExecutable(candidate), let version = await version(of: candidate), version >= .minimum {
        return ClickHouseBinary(path: candidate)
      }
    }
    var folder = URL(fileURLWithPath: program).resolvingSymlinksInPath().deletingLastPathComponent()
    while true {
      let candidate = folder.appendingPathComponent("share/emban/clickhouse/clickhouse").path
      if isExecutable(candidate) { return ClickHouseBinary(path: candidate) }
      guard folder.path != "/", !folder.path.isEmpty else { break }
      folder.deleteLastPathComponent()
    }
    throw ClickHouseConfigurationError(
      reason: """
        No ClickHouse \(ClickHouseVersion.minimum) or newer was found: install `clickhouse` in PATH, name it with \
        EMBAN_CLICKHOUSE_BIN, or give the address of a running server with EMBAN_CLICKHOUSE_URL.
        """)
  }

  /// The file of the running program.
  static var currentProgram: String {
    #if os(Linux)
      if let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") { return path }
    #endif
    return Bundle.main.executablePath ?? CommandLine.arguments.first ?? ""
  }

  static func isExecutable(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory.boolValue
      && FileManager.default.isExecutableFile(atPath: path)
  }

  /// nil when the program fails, hangs or says something else.
  static func version(of path: String) async -> ClickHouseVersion? {
    await withTaskGroup(of: ClickHouseVersion?.self) { group in
      group.addTask {
        guard
          let result = try? await Subprocess.run(
            .path(FilePath(path)), arguments: ["--version"], output: .string(limit: 4_096)),
          result.terminationStatus.isSuccess, result.standardOutput.contains("ClickHouse")
        else { return nil }
        return ClickHouseVersion(result.standardOutput)
      }
      group.addTask {
        try? await Task.sleep(for: .seconds(20))
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }
}
