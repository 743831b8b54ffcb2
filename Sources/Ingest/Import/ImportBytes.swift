import Foundation

/// Where the text of an import comes from: piece by piece, in order.
protocol ImportBytes: AnyObject {
  /// The next bytes; empty at the end.
  func read() throws(ImportError) -> [UInt8]
  /// Bytes of the file that have been read; of a packed one the packed bytes.
  var bytesRead: Int { get }
}

/// A file or standard input, unpacked when it is packed with gzip, whatever its name says.
final class FileBytes: ImportBytes {
  private static let chunkBytes = 256 << 10

  private let path: String
  private let file: FileHandle
  private var inflater: GzipReader?
  /// What was read to see whether it is packed.
  private var ahead: [UInt8]?
  /// Packed bytes that have not been unpacked yet.
  private var packed: [UInt8] = []
  private(set) var bytesRead = 0

  init(path: String, file: FileHandle) throws(ImportError) {
    self.path = path
    self.file = file
    let first = try readFile()
    if first.starts(with: [0x1F, 0x8B]) {
      inflater = GzipReader()
      packed = first
    } else {
      ahead = first
    }
  }

  func read() throws(ImportError) -> [UInt8] {
    if let first = ahead {
      ahead = nil
      return first
    }
    guard let inflater else { return try readFile() }
    while true {
      if packed.isEmpty { packed = try readFile() }
      let isEnd = packed.isEmpty
      guard let bytes = inflater.inflate(&packed, isEnd: isEnd) else {
        throw .unreadable(path: path, reason: "it is a damaged gzip file, or only the beginning of one")
      }
      if !bytes.isEmpty || isEnd { return bytes }
    }
  }

  private func readFile() throws(ImportError) -> [UInt8] {
    do {
      let bytes = [UInt8](try file.read(upToCount: Self.chunkBytes) ?? Data())
      bytesRead += bytes.count
      return bytes
    } catch {
      throw .unreadable(path: path, reason: "reading failed after \(bytesRead) bytes")
    }
  }
}
