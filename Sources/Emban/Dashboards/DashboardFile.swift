import Domain
import Foundation

/// A dashboard's configuration in a file: `POST /v1/dashboards`' body.
struct DashboardFile {
  let path: String
  let slug: String
  let config: [String: JSONValue]

  struct Problem: Error, CustomStringConvertible {
    let path: String
    let message: String
    var description: String { "\(path): \(message)" }
  }

  /// - Throws: ``Problem`` for the first file that is none, before anything was sent.
  static func read(_ paths: [String]) throws -> [DashboardFile] {
    var files: [DashboardFile] = []
    for path in paths {
      let file = try DashboardFile(path: path)
      if let other = files.first(where: { $0.slug == file.slug }) {
        throw Problem(path: path, message: "slug \(file.slug) is that of \(other.path), too")
      }
      files.append(file)
    }
    return files
  }

  private init(path: String) throws {
    let bytes: Data
    do {
      bytes = try Data(contentsOf: URL(filePath: path))
    } catch {
      throw Problem(path: path, message: "cannot be read")
    }
    let json: JSONValue
    do {
      json = try JSONParser.parse(Array(bytes))
    } catch {
      throw Problem(path: path, message: "must be JSON: \(error)")
    }
    guard case .object(let config) = json else { throw Problem(path: path, message: "must be a JSON object with a dashboard") }
    let name = URL(filePath: path).deletingPathExtension().lastPathComponent
    guard let slug = config["slug"].map(\.stringValue) ?? name, Slug.isValid(slug) else {
      throw Problem(path: path, message: "slug must be lower-case letters, digits and single hyphens, or the file be named so")
    }
    self.path = path
    self.slug = slug
    self.config = config.merging(["slug": .string(slug)]) { $1 }
  }
}
