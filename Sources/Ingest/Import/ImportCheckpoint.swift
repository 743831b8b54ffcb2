public import Domain
public import Foundation

/// How far an import came, for the run that goes on with it.
public struct ImportCheckpoint: Sendable {
  /// The file as it was given, for people who look into the checkpoint.
  public let path: String
  public let identity: ImportIdentity
  public var summary: ImportSummary
  public var savedAt: Instant

  public init(path: String, identity: ImportIdentity, summary: ImportSummary, savedAt: Instant) {
    self.path = path
    self.identity = identity
    self.summary = summary
    self.savedAt = savedAt
  }
}

/// The file that holds the checkpoint of one import: of one file, read in one way, into one place. It is there while the import is not done.
public struct ImportCheckpointFile: Sendable {
  public let url: URL

  /// - Parameters:
  ///   - folder: made when it is not there.
  ///   - target: where the events go, in a text that tells any two places apart. Only its digest is kept.
  public init(folder: URL, path: String, identity: ImportIdentity, target: String) {
    let whole = URL(filePath: path).standardizedFileURL.path(percentEncoded: false)
    let key = ImportIdentity.digest([whole, identity.reading, target].joined(separator: "\n")).prefix(24)
    url = folder.appending(path: "import-\(key).json")
  }

  /// Nil when there is none, or none that can be read: the import then begins anew, which is harmless.
  public func read() -> ImportCheckpoint? {
    guard let data = try? Data(contentsOf: url), let json = try? JSONParser.parse([UInt8](data)), json["version"]?.numberValue == 1,
      let path = json["path"]?.stringValue, let file = json["file"]?.stringValue, let reading = json["reading"]?.stringValue,
      let summary = json["summary"].flatMap(ImportSummary.init(json:)), let savedAt = json["saved_at"]?.stringValue,
      let moment = Instant(iso8601: savedAt)
    else { return nil }
    return ImportCheckpoint(path: path, identity: ImportIdentity(file: file, reading: reading), summary: summary, savedAt: moment)
  }

  /// Replaces the file whole or not at all. It need not survive a power cut: rows behind an older checkpoint are recognised by their ids.
  public func save(_ checkpoint: ImportCheckpoint) throws {
    let json: JSONValue = [
      "version": 1, "path": .string(checkpoint.path), "file": .string(checkpoint.identity.file),
      "reading": .string(checkpoint.identity.reading), "summary": checkpoint.summary.json, "saved_at": checkpoint.savedAt.json,
    ]
    let folder = url.deletingLastPathComponent()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try Data(json.serializedBytes()).write(to: url, options: .atomic)
  }

  /// The import is done.
  public func remove() { try? FileManager.default.removeItem(at: url) }
}
