import ArgumentParser
import Foundation
import Logging

@main
struct EmbanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "emban",
    abstract: "Customer-facing analytics that a SaaS team runs itself.",
    discussion: """
      Settings come from flags (--port), then the environment (EMBAN_PORT), then emban.yaml (port). Those that hold secrets have no \
      flag.
      """,
    version: Version.current,
    subcommands: [
      ServeCommand.self, DemoCommand.self, ImportCommand.self, ExportCommand.self, ExplainCommand.self, SelftestCommand.self,
      DoctorCommand.self, UsersCommand.self, DashboardsCommand.self,
    ],
    defaultSubcommand: nil)
}

enum Version {
  static let current = "0.1.0"
}

/// The settings that have flags; those that hold secrets do not, because anybody on the machine can read a command line.
struct SettingsOptions: ParsableArguments {
  @Option(help: "Address to listen on (127.0.0.1).") var host: String?
  @Option(help: "Port to listen on (8080).") var port: String?
  @Option(help: "Where people reach this server (http://localhost:PORT).") var publicUrl: String?
  @Option(help: "Folder of all data (./data).") var dataDir: String?
  @Option(help: "The clickhouse program of the own server (found by itself).") var clickhouseBin: String?
  @Option(help: "Plan of new organizations (scale).") var defaultPlan: String?
  @Option(help: "Origins that may embed, separated by commas (any).") var allowedOrigins: String?
  @Option(help: "trace, debug, info, notice, warning, error or critical (info).") var logLevel: String?
  @Option(help: "Folder with the program's own files (share/emban above the program).") var assetsDir: String?
  @Option(help: "A settings file instead of emban.yaml.") var config: String?

  private var flags: [String: String] {
    [
      "host": host, "port": port, "public_url": publicUrl, "data_dir": dataDir, "clickhouse_bin": clickhouseBin,
      "default_plan": defaultPlan, "allowed_origins": allowedOrigins, "log_level": logLevel, "assets_dir": assetsDir,
    ].compactMapValues(\.self)
  }

  func load() async throws -> Settings { try await Settings.load(flags: flags, file: config) }
}

extension Logger {
  /// The program's logger: one line an event, to standard error.
  static func make(_ settings: Settings) -> Logger {
    var logger = Logger(label: "emban", factory: { LineLogHandler(StreamLogHandler.standardError(label: $0)) })
    logger.logLevel = settings.logLevel
    return logger
  }
}
