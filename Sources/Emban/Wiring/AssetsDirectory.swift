import Foundation

/// Where the files that belong to the program are: `share/emban` beside it or in a folder above it, as in `/usr/bin/emban` and
/// `/usr/share/emban`, or `.build/release/emban` and `.build/share/emban`.
enum AssetsDirectory {
  struct NotFound: Error, CustomStringConvertible {
    let executable: String
    var description: String {
      "There is no share/emban in any folder above \(executable); `make build` makes it, or set EMBAN_ASSETS_DIR."
    }
  }

  /// - Parameter override: `EMBAN_ASSETS_DIR`.
  static func locate(_ override: URL?) throws -> URL {
    if let override { return override }
    let executable = (Bundle.main.executableURL ?? URL(filePath: CommandLine.arguments[0])).resolvingSymlinksInPath()
    var folder = executable.deletingLastPathComponent()
    while true {
      let candidate = folder.appending(path: "share/emban", directoryHint: .isDirectory)
      if FileManager.default.fileExists(atPath: candidate.path(percentEncoded: false)) { return candidate }
      let parent = folder.deletingLastPathComponent().standardizedFileURL
      guard parent.path != folder.path else { throw NotFound(executable: executable.path(percentEncoded: false)) }
      folder = parent
    }
  }
}
