import ArgumentParser

/// `emban selftest`: whether a promise of the program holds on this installation.
struct SelftestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "selftest", abstract: "Try whether customers see nothing of each other.", subcommands: [IsolationCommand.self])
}
