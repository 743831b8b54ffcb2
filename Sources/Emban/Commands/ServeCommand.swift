import ArgumentParser
import Foundation

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "serve", abstract: "Start the server and everything it needs.")

  @OptionGroup var options: SettingsOptions

  func run() async throws {
    let settings = try await options.load()
    let runtime = try Runtime(settings: settings, logger: .make(settings))
    let address = settings.publicAddress
    let application = try runtime.application(onServerRunning: { Console.say("emban listens on \(address)") })
    try await runtime.run(
      runtime.rollupServices + [runtime.housekeeping, runtime.sqlReaders, runtime.resetMails, application, runtime.liveStreams])
  }
}

/// What the program says to whoever started it, as opposed to its log.
enum Console {
  static func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
}
