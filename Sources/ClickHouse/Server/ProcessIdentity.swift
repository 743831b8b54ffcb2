import Foundation
import Subprocess

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A process as it can be recognised later: a pid alone may belong to another process by then.
struct ProcessIdentity: Sendable, Hashable {
  let pid: Int32
  /// Linux: clock ticks between boot and the process's start. Elsewhere: the start as `ps` writes it.
  let startTime: String
  /// The arguments, separated by spaces.
  let commandLine: String

  /// nil when there is no such process, or it is a zombie.
  static func read(_ pid: Int32) async -> ProcessIdentity? {
    #if os(Linux)
      guard let stat = ServerFiles.read("/proc/\(pid)/stat"), let command = ServerFiles.read("/proc/\(pid)/cmdline"),
        let nameEnd = stat.lastIndex(of: ")")
      else { return nil }
      // The fields after the name, which may itself hold spaces and parentheses: state is the 3rd field, start time the 22nd.
      let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
      guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
      return ProcessIdentity(
        pid: pid, startTime: String(fields[19]), commandLine: command.replacing("\0", with: " ").trimmed)
    #else
      guard
        let result = try? await Subprocess.run(
          .name("ps"), arguments: ["-p", "\(pid)", "-o", "lstart=", "-o", "command="], output: .string(limit: 65_536)),
        result.terminationStatus.isSuccess
      else { return nil }
      // `Fri Nov 20 22:50:39 2026     /path/clickhouse server …`: the start has five words.
      let words = result.standardOutput.split(whereSeparator: \.isWhitespace)
      guard words.count > 5 else { return nil }
      return ProcessIdentity(
        pid: pid, startTime: words[..<5].joined(separator: " "), commandLine: words[5...].joined(separator: " "))
    #endif
  }
}

/// The server that a killed emban may have left behind.
struct OldChild {
  let files: ServerFiles

  /// Notes the running child, so that a later start can recognise it.
  func record(_ identity: ProcessIdentity) throws {
    try ServerFiles.writePrivate("\(identity.pid)\n\(identity.startTime)\n", to: files.pid)
  }

  func forget() {
    unlink(files.pid)
  }

  /// The child of an earlier start that still runs on this folder, if there is one. Two notes are read: ours, and the one that
  /// ClickHouse itself keeps, for the moment between the launch and our note. Either counts only if the process was started
  /// with the configuration file of this folder; ours also only if the process is as old as noted.
  func find() async -> ProcessIdentity? {
    if let lines = ServerFiles.read(files.pid)?.split(separator: "\n"), lines.count >= 2, let pid = Int32(lines[0]),
      let identity = await ProcessIdentity.read(pid), identity.startTime == lines[1], isOurs(identity)
    {
      return identity
    }
    if let line = ServerFiles.read(files.status)?.split(separator: "\n").first(where: { $0.hasPrefix("PID: ") }),
      let pid = Int32(line.dropFirst(5)), let identity = await ProcessIdentity.read(pid), isOurs(identity)
    {
      return identity
    }
    return nil
  }

  /// Asks the process to end, waits, and kills it when it does not.
  func stop(_ identity: ProcessIdentity, patience: Duration = .seconds(30)) async throws {
    kill(identity.pid, SIGTERM)
    // One that was stopped (SIGSTOP) hears of it only when it goes on.
    kill(identity.pid, SIGCONT)
    let clock = ContinuousClock()
    let deadline = clock.now + patience
    while await ProcessIdentity.read(identity.pid) == identity {
      if clock.now > deadline { kill(identity.pid, SIGKILL) }
      try await Task.sleep(for: .milliseconds(50))
    }
    forget()
  }

  private func isOurs(_ identity: ProcessIdentity) -> Bool {
    (identity.commandLine + " ").contains(" --config-file=\(files.config) ")
  }
}
