import ArgumentParser
import ConfigStore
import Domain
import Foundation
import HTTPAPI
import Ingest
import Logging
import ServiceLifecycle

struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Start the server with 90 days of made-up API usage and a small host product at /demo.")

  @OptionGroup var options: SettingsOptions

  func run() async throws {
    let settings = try await options.load()
    let runtime = try Runtime(settings: settings, logger: .make(settings))
    let demo = DemoService(runtime: runtime)
    let application = try runtime.application(
      demo: demo.setup,
      onServerRunning: { Console.say("emban listens on \(settings.publicAddress), the demo's data is being made …") })
    try await runtime.run(
      [demo] + runtime.rollupServices
        + [runtime.housekeeping, runtime.sqlReaders, runtime.resetMails, application, runtime.liveStreams])
  }
}
