import Foundation
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The spool's folder: numbered segments, the `replay` file, and `set-aside/`.
struct SpoolDirectory: Sendable {
  let path: FilePath

  var setAside: FilePath { path.appending("set-aside") }
  var replayState: FilePath { path.appending("replay") }
  var underWay: FilePath { path.appending("under-way") }

  func segment(_ number: UInt64) -> FilePath {
    let digits = String(number)
    return path.appending(String(repeating: "0", count: max(0, 12 - digits.count)) + digits + ".segment")
  }

  /// Makes the folders where they are missing.
  func create() throws {
    let manager = FileManager.default
    for folder in [path, setAside, underWay] {
      try manager.createDirectory(
        atPath: folder.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }
    try Self.sync(path.removingLastComponent())
    try Self.sync(path)
  }

  /// The numbers of the segments that are there, in order.
  func segmentNumbers() throws -> [UInt64] {
    try FileManager.default.contentsOfDirectory(atPath: path.string)
      .compactMap { $0.hasSuffix(".segment") ? UInt64($0.dropLast(".segment".count)) : nil }
      .sorted()
  }

  /// The files of blocks whose insert was under way when the program ended.
  func blocksUnderWay() throws -> [FilePath] {
    try FileManager.default.contentsOfDirectory(atPath: underWay.string).sorted().map(underWay.appending)
  }

  /// How many files were set aside, and how large they are together.
  func setAsideFiles() throws -> (count: Int, bytes: Int) {
    let names = try FileManager.default.contentsOfDirectory(atPath: setAside.string).filter { !$0.hasSuffix(".part") }
    let sizes = names.map { name -> Int in
      let attributes = try? FileManager.default.attributesOfItem(atPath: setAside.appending(name).string)
      return (attributes?[.size] as? NSNumber)?.intValue ?? 0
    }
    return (names.count, sizes.reduce(0, +))
  }

  /// Writes a file into `set-aside/`, wholly or not at all.
  /// - Returns: its length; 0 when it was there already.
  func putAside(_ name: String, _ bytes: [UInt8]) throws -> Int {
    let target = setAside.appending(name)
    guard !FileManager.default.fileExists(atPath: target.string) else { return 0 }
    let part = setAside.appending(name + ".part")
    do {
      let file = try FileDescriptor.open(part, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
      try file.closeAfter {
        try file.writeAll(bytes)
        try file.syncToDisk()
      }
      guard rename(part.string, target.string) == 0 else { throw Errno(rawValue: errno) }
      try Self.sync(setAside)
    } catch {
      remove(part)
      throw error
    }
    return bytes.count
  }

  /// Moves a file into `set-aside/` as it is.
  /// - Returns: its length; nil when it is not there.
  func moveAside(_ file: FilePath, as name: String) throws -> Int? {
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: file.string) else { return nil }
    guard rename(file.string, setAside.appending(name).string) == 0 else { throw Errno(rawValue: errno) }
    try Self.sync(setAside)
    return (attributes[.size] as? NSNumber)?.intValue ?? 0
  }

  func remove(_ file: FilePath) { unlink(file.string) }

  /// Makes the names in a folder durable.
  static func sync(_ folder: FilePath) throws {
    let descriptor = try FileDescriptor.open(folder, .readOnly, options: [.directory, .closeOnExec])
    try descriptor.closeAfter { try descriptor.syncToDisk() }
  }
}

extension FileDescriptor {
  /// Returns when what was written is on the disk, not merely with the kernel.
  func syncToDisk() throws {
    #if canImport(Darwin)
      let result = fcntl(rawValue, F_FULLFSYNC)
    #else
      let result = fsync(rawValue)
    #endif
    guard result == 0 else { throw Errno(rawValue: errno) }
  }
}

/// A segment's file, open for reading. Closed by ``close()``.
struct SegmentFile: SegmentBytes, Sendable {
  let descriptor: FileDescriptor

  init(_ path: FilePath, _ mode: FileDescriptor.AccessMode = .readOnly) throws {
    descriptor = try FileDescriptor.open(path, mode, options: .closeOnExec)
  }

  var size: Int { (try? descriptor.seek(offset: 0, from: .end)).map(Int.init) ?? 0 }

  func read(at offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
        let read = try descriptor.read(fromAbsoluteOffset: Int64(offset + filled), into: rest)
        guard read > 0 else { return }
        filled += read
      }
    }
  }

  func close() { try? descriptor.close() }
}
