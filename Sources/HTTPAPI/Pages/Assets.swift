import Crypto
public import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The browser files that the build made, read once at start: scripts, style sheets, pages, each with the compressed forms that
/// stand beside it.
public struct Assets: Sendable {
  struct File: Sendable {
    let contentType: String
    let etag: String
    /// A content hash in the name: the file under this name never changes.
    let isImmutable: Bool
    let plain: ByteBuffer
    let gzip: ByteBuffer?
    let brotli: ByteBuffer?
  }

  /// By path below the web folder: `sdk/emban-embed.js`.
  private let files: [String: File]

  public struct Missing: Error, CustomStringConvertible {
    public let description: String
  }

  /// Reads every file below `directory`.
  /// - Throws: ``Missing`` when the folder or the embed page is not there.
  public init(directory: URL) throws {
    guard let names = FileManager.default.enumerator(atPath: directory.path(percentEncoded: false)) else {
      throw Missing(description: "The browser files are not at \(directory.path(percentEncoded: false)); `make build` makes them.")
    }
    var files: [String: File] = [:]
    for case let name as String in names where !name.hasSuffix(".gz") && !name.hasSuffix(".br") {
      let url = directory.appending(path: name)
      guard let type = Self.contentTypes[url.pathExtension], let data = try? Data(contentsOf: url) else { continue }
      let digest = SHA256.hash(data: data).prefix(8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
      func sibling(_ suffix: String) -> ByteBuffer? {
        (try? Data(contentsOf: directory.appending(path: name + suffix))).map { ByteBuffer(bytes: $0) }
      }
      files[name] = File(
        contentType: type, etag: "\"\(digest)\"", isImmutable: Self.hasContentHash(name), plain: ByteBuffer(bytes: data),
        gzip: sibling(".gz"), brotli: sibling(".br"))
    }
    guard files["pages/embed.html"] != nil else {
      throw Missing(description: "The embed page is not in \(directory.path(percentEncoded: false)); `make build` makes it.")
    }
    self.files = files
  }

  private static let contentTypes = [
    "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "html": "text/html; charset=utf-8",
    "svg": "image/svg+xml", "png": "image/png", "json": "application/json", "map": "application/json", "txt": "text/plain; charset=utf-8",
    "woff2": "font/woff2", "ts": "text/plain; charset=utf-8",
  ]

  /// `echarts.3f2a9c1b.min.js`, `chunk-3F2A9C1B.js`.
  private static func hasContentHash(_ name: String) -> Bool {
    name.split(whereSeparator: { $0 == "." || $0 == "-" || $0 == "/" }).contains { part in
      part.count >= 8 && part.allSatisfy { $0.isASCII && ($0.isNumber || $0.isLetter) } && part.contains(where: \.isNumber)
    }
  }

  func file(_ path: String) -> File? { files[path] }

  /// The file as an answer: compressed as the browser accepts, 304 when it has it already.
  func response(_ file: File, to request: Request, headers extra: HTTPFields = [:]) -> Response {
    var headers: HTTPFields = [
      .contentType: file.contentType, .eTag: file.etag, .vary: "Accept-Encoding",
      .cacheControl: file.isImmutable ? "public, max-age=31536000, immutable" : "public, max-age=300, must-revalidate",
    ]
    for field in extra { headers[field.name] = field.value }
    if let known = request.headers[.ifNoneMatch], known.contains(file.etag) {
      return Response(status: .notModified, headers: headers)
    }
    let accepted = request.headers[values: .acceptEncoding].joined(separator: ",")
      .split(separator: ",").map { $0.split(separator: ";")[0].trimmingCharacters(in: .whitespaces) }
    if let brotli = file.brotli, accepted.contains("br") {
      headers[.contentEncoding] = "br"
      return Response(status: .ok, headers: headers, body: .init(byteBuffer: brotli))
    }
    if let gzip = file.gzip, accepted.contains("gzip") {
      headers[.contentEncoding] = "gzip"
      return Response(status: .ok, headers: headers, body: .init(byteBuffer: gzip))
    }
    return Response(status: .ok, headers: headers, body: .init(byteBuffer: file.plain))
  }
}
