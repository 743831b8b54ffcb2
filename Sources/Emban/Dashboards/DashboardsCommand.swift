import ArgumentParser
import AsyncHTTPClient
import Foundation

/// `emban dashboards`: dashboards as files, kept beside the code of the product that shows them.
struct DashboardsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dashboards", abstract: "Keep dashboards as files.", subcommands: [ApplyCommand.self])
}

/// `emban dashboards apply FILE …`: files → drafts of a running server, and to customers with `--publish`.
struct ApplyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Make dashboards what files say.",
    discussion: """
      A file is what the console exports and POST /v1/dashboards takes. A dashboard is found by the file's slug, or else by the file's name, and \
      made when there is none. What somebody else saved meanwhile is not overwritten.

      All files are read before the first is sent; the first one that the server refuses ends the command.
      """)

  @Argument(help: ArgumentHelp("JSON files, a dashboard each.", valueName: "file")) var files: [String]
  @Flag(help: "Also publish what customers do not see yet.") var publish = false
  @Option(help: "Address of the running server (EMBAN_URL).") var url: String?
  @Option(help: "The environment variable that holds the server's admin key.") var keyEnv = "EMBAN_API_KEY"

  func run() async throws {
    let variables = ProcessInfo.processInfo.environment
    guard let url = url ?? variables["EMBAN_URL"] else {
      throw ValidationError("Give the server's address with --url or in EMBAN_URL.")
    }
    guard let key = variables[keyEnv], !key.isEmpty else { throw ValidationError("Give an admin key of that server in \(keyEnv).") }
    let read = try DashboardFile.read(files)
    let client = HTTPClient(eventLoopGroupProvider: .singleton)
    let dashboards = RemoteDashboards(server: RemoteAPI(client: client, url: url, key: key, command: "dashboards"))
    let result: Result<Void, any Error>
    do {
      for file in read {
        do {
          Console.say("\(file.slug): \(try await dashboards.apply(file, publishing: publish))")
        } catch let error as RemoteAPI.Refused {
          throw DashboardFile.Problem(path: file.path, message: error.description)
        }
      }
      result = .success(())
    } catch {
      result = .failure(error)
    }
    try? await client.shutdown()
    try result.get()
  }
}
