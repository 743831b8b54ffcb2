import ClickHouse
import Crypto
import Domain
import Foundation

/// What makes the rows of an import recognisable: the file's content, and how it becomes events.
///
/// Every row without an id of its own gets one made of both and of its number. Sent again, whether by a second attempt or by a second import of
/// the same file, it counts once; another file, or the same file read in another way, is another matter.
public struct ImportIdentity: Sendable, Hashable {
  /// SHA-256 of the file, in hexadecimal.
  public let file: String
  /// SHA-256 of how it is read.
  public let reading: String
  private let prefix: String

  /// Reads the whole file once.
  ///
  /// - Parameters:
  ///   - path: `-`, standard input, cannot be read twice: its rows are told apart within one import only.
  /// - Throws: ``ImportError/unreadable(path:reason:)``.
  public init(path: String, format: ImportFormat, mapping: ImportMapping?) throws(ImportError) {
    let file = try path == "-" ? Self.random() : Self.digest(ofFile: path)
    self.init(file: file, reading: Self.digest(Self.description(format, mapping)))
  }

  init(file: String, reading: String) {
    self.file = file
    self.reading = reading
    prefix = "import:" + Self.digest(file + reading).prefix(24) + ":"
  }

  /// The id of a row. Ids of neighbours are neighbours in the store's order, so that looking a thousand up touches one place.
  func eventID(row: Int) -> String {
    let number = String(row)
    return prefix + String(repeating: "0", count: max(0, 12 - number.count)) + number
  }

  /// SHA-256 of a text, in hexadecimal.
  public static func digest(_ text: String) -> String { hexadecimal(SHA256.hash(data: Array(text.utf8))) }

  private static func digest(ofFile path: String) throws(ImportError) -> String {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw .unreadable(path: path, reason: "there is no such file, or it may not be read")
    }
    var hash = SHA256()
    do {
      while let data = try file.read(upToCount: 1 << 20), !data.isEmpty { hash.update(data: data) }
    } catch {
      throw .unreadable(path: path, reason: "reading failed")
    }
    return hexadecimal(hash.finalize())
  }

  private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    for byte in bytes {
      if byte < 16 { text += "0" }
      text += String(byte, radix: 16)
    }
    return text
  }

  private static func random() -> String {
    var generator = SystemRandomNumberGenerator()
    return "\(generator.next())-\(generator.next())"
  }

  /// All that decides what event a row becomes; part of the ids, so that it must not change between versions.
  private static func description(_ format: ImportFormat, _ mapping: ImportMapping?) -> String {
    let name =
      switch format {
      case .csv(let delimiter): "csv \(delimiter)"
      case .ndjson: "ndjson"
      case .parquet: "parquet"
      }
    return JSONValue.object(["format": .string(name), "mapping": mapping?.json ?? .null]).serialized()
  }
}

extension ImportMapping {
  fileprivate var json: JSONValue {
    func json(_ source: Source) -> JSONValue {
      switch source {
      case .fixed(let text): ["fixed": .string(text)]
      case .column(let name): ["column": .string(name)]
      }
    }
    return [
      "tenant": json(tenant), "event_name": json(eventName), "timestamp": .optional(timestampColumn), "strings": .strings(stringColumns),
      "numbers": .strings(numericColumns), "user": .optional(userColumn), "id": .optional(eventIDColumn),
      "timezone": .optional(timestamps.zoneName),
    ]
  }
}
