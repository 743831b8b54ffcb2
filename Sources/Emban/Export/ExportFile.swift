import Foundation
import NIOCore
import Synchronization

/// The file that an export writes: beside its place until it is whole, so that nobody takes a part for the whole.
final class ExportFile: Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let path: String
  /// Nil for standard output.
  private let unfinished: String?
  private let handle: FileHandle
  private let count = Mutex(0)

  var bytes: Int { count.withLock { $0 } }

  /// - Parameter path: `-` is standard output.
  init(path: String, replacing: Bool) throws {
    self.path = path
    guard path != "-" else {
      unfinished = nil
      handle = .standardOutput
      return
    }
    guard replacing || !FileManager.default.fileExists(atPath: path) else {
      throw Failure(description: "\(path) is there already; --force replaces it.")
    }
    let unfinished = path + ".part"
    guard FileManager.default.createFile(atPath: unfinished, contents: nil, attributes: [.posixPermissions: 0o600]),
      let handle = FileHandle(forWritingAtPath: unfinished)
    else { throw Failure(description: "\(path) cannot be written.") }
    self.unfinished = unfinished
    self.handle = handle
  }

  func write(_ part: ByteBuffer) throws {
    do {
      try handle.write(contentsOf: Data(part.readableBytesView))
    } catch {
      throw Failure(description: "\(path == "-" ? "standard output" : path) cannot be written to: \(error.localizedDescription)")
    }
    count.withLock { $0 += part.readableBytes }
  }

  /// The file is whole: it takes its place.
  func finish() throws {
    guard let unfinished else { return }
    do {
      try handle.synchronize()
      try handle.close()
    } catch {
      throw Failure(description: "\(path) cannot be written to: \(error.localizedDescription)")
    }
    guard rename(unfinished, path) == 0 else { throw Failure(description: "\(path) cannot take its place.") }
  }

  func discard() {
    try? handle.close()
    if let unfinished { try? FileManager.default.removeItem(atPath: unfinished) }
  }
}
