import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The folder of the child server: `<data>/clickhouse`. All of it is for its owner only.
struct ServerFiles: Sendable {
  /// Absolute, without symbolic links, because it identifies the child's command line.
  let folder: String

  var config: String { folder + "/config.xml" }
  var pid: String { folder + "/server.pid" }
  var lock: String { folder + "/lock" }
  var data: String { folder + "/data" }
  var logs: String { folder + "/logs" }
  var errorLog: String { logs + "/server.err.log" }
  /// ClickHouse's own note of its process, held while it runs.
  var status: String { data + "/status" }

  /// Makes the folders.
  init(dataDirectory: String) throws {
    let path = dataDirectory.hasPrefix("/") ? dataDirectory : FileManager.default.currentDirectoryPath + "/" + dataDirectory
    let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
    do {
      try FileManager.default.createDirectory(atPath: path + "/clickhouse", withIntermediateDirectories: true, attributes: attributes)
      folder = URL(fileURLWithPath: path + "/clickhouse").resolvingSymlinksInPath().path
      for name in [data, logs, folder + "/tmp", folder + "/access", folder + "/user_files", folder + "/format_schemas"] {
        try FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: true, attributes: attributes)
      }
      // An older folder may have been made with wider permissions.
      try FileManager.default.setAttributes(attributes, ofItemAtPath: folder)
    } catch {
      throw ClickHouseConfigurationError(
        reason: "The data directory \(dataDirectory) cannot be used: \(error.localizedDescription)")
    }
  }

  /// Writes a file that only its owner may read, whole or not at all.
  static func writePrivate(_ text: String, to path: String) throws {
    let temporary = path + ".new"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("create", temporary) }
    defer { close(descriptor) }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard written > 0 else { throw failure("write", temporary) }
      bytes = bytes.dropFirst(written)
    }
    guard rename(temporary, path) == 0 else { throw failure("rename", temporary) }
  }

  static func read(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  static func size(of path: String) -> UInt64 {
    (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64) ?? 0
  }

  /// The lines of a growing file behind a position; all of it when the file has been replaced meanwhile.
  static func lines(of path: String, from position: UInt64) -> [String] {
    guard let handle = FileHandle(forReadingAtPath: path) else { return [] }
    defer { try? handle.close() }
    let start = size(of: path) >= position ? position : 0
    guard (try? handle.seek(toOffset: start)) != nil, let data = try? handle.read(upToCount: 1_048_576) else { return [] }
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private static func failure(_ verb: String, _ path: String) -> ClickHouseConfigurationError {
    ClickHouseConfigurationError(reason: "Cannot \(verb) \(path): \(String(cString: strerror(errno)))")
  }
}

/// Holds a data directory for one process. The kernel lets go of it when the process dies, however it dies.
final class DirectoryLock: Sendable {
  private let descriptor: Int32

  init(path: String, directory: String) throws {
    // Close-on-exec: the child must not keep the lock of a parent that was killed.
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw ClickHouseConfigurationError(reason: "Cannot open \(path): \(String(cString: strerror(errno)))")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw ClickHouseConfigurationError(
        reason: "Another emban is running on the data directory \(directory); stop it or choose another directory.")
    }
  }

  deinit { close(descriptor) }
}

/// Asks the kernel for a TCP port that is free on the loopback interface. Somebody else may take it before it is used.
enum LoopbackPort {
  static func free() throws -> Int {
    #if canImport(Glibc)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    let descriptor = socket(AF_INET, kind, 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
      }
    }
    guard descriptor >= 0, bound else {
      throw ClickHouseConfigurationError(reason: "No TCP port is free on the loopback interface.")
    }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}
