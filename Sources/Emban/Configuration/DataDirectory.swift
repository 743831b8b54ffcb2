import Foundation
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A data directory that is ours alone as long as this value lives.
final class DataDirectory: Sendable {
  let url: URL
  private let lockDescriptor: FileDescriptor

  struct InUse: Error, CustomStringConvertible {
    let path: String
    var description: String {
      "Another emban is already running on the data directory \(path). Stop it first, or choose another with --data-dir."
    }
  }

  struct Unusable: Error, CustomStringConvertible {
    let path: String
    let reason: String
    var description: String { "EMBAN_DATA_DIR: the directory \(path) cannot be used: \(reason)" }
  }

  /// Creates the directory (mode 0700) where needed and takes its lock, which the system releases when the process ends,
  /// however it ends.
  init(url: URL) throws {
    self.url = url
    let path = url.path(percentEncoded: false)
    let descriptor: FileDescriptor
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      descriptor = try FileDescriptor.open(
        FilePath(path).appending("emban.lock"), .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
    } catch {
      throw Unusable(path: path, reason: "\(error)")
    }
    lockDescriptor = descriptor
    guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else { throw InUse(path: path) }
  }

  deinit { try? lockDescriptor.close() }
}
