import ArgumentParser
import AsyncHTTPClient
import Domain
import Foundation
import NIOCore

/// `emban doctor`: why an embedded dashboard does not show, seen from where browsers stand.
struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Find out why an embedded dashboard does not show.",
    discussion: """
      Asks for the embed page, its script and the viewer's routes as a browser would, and says of everything that is wrong what it is, \
      what it breaks and what to do. Ends with 0 when nothing is wrong, otherwise with 1. The token is sent to the server and never printed.
      """)

  @Option(help: "An embed_url, the address of a page that embeds, or - to read it from standard input.") var embed: String
  @Option(help: "Origin of the page that embeds, such as https://app.example.com.") var hostPage: String?
  @Option(help: "How many seconds a stream may take to begin.") var patience: Int = 8

  func validate() throws {
    if let hostPage, !Origin.isValid(hostPage) || hostPage.contains("*") {
      throw ValidationError("--host-page must be an origin such as https://app.example.com, without a path.")
    }
    guard 1...600 ~= patience else { throw ValidationError("--patience must be between 1 and 600 seconds.") }
  }

  func run() async throws {
    let given = (embed == "-" ? readLine() ?? "" : embed).trimmingCharacters(in: .whitespacesAndNewlines)
    guard let address = EmbedAddress(given) else {
      throw ValidationError("--embed must be an http or https address, such as the embed_url of an embed session.")
    }
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.timeout.connect = .seconds(15)
    configuration.decompression = .disabled
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    let probe = Probe(client: client)
    var doctor = EmbedDoctor(address: address, hostOrigin: hostPage?.lowercased(), probe: probe, patience: .seconds(patience))
    let report = await doctor.examine()
    try? await client.shutdown()
    Console.say(report.text)
    if report.problems > 0 { throw ExitCode(1) }
  }
}
