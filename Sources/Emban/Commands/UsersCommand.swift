import Access
import ArgumentParser
import ConfigStore
import Domain
import Foundation

/// What an operator does for people, beside a running server or without one.
struct UsersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "users", abstract: "Help people who cannot help themselves.", subcommands: [ResetLinkCommand.self])
}

/// `emban users reset-link EMAIL`: the way back in where no mail server is set, or none that the person's mail gets through.
struct ResetLinkCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset-link", abstract: "Print a link with which somebody sets a new password.",
    discussion: """
      The link works once, for a day, and takes the place of an earlier one. Hand it over on a way that nobody else can read: whoever opens \
      it first is the person from then on.
      """)

  private struct NoAccount: Error, CustomStringConvertible {
    let address: EmailAddress
    var description: String { "There is no account with the address \(address)." }
  }

  @Argument(help: ArgumentHelp("The person's e-mail address.", valueName: "email")) var address: String
  @OptionGroup var options: SettingsOptions

  func run() async throws {
    let settings = try await options.load()
    guard FileManager.default.fileExists(atPath: settings.configurationStorePath) else {
      throw SettingsError(
        key: "EMBAN_DATA_DIR",
        expected: "must be the data directory of an emban; there is none at \(settings.dataDirectory.path(percentEncoded: false))")
    }
    guard let address = EmailAddress(address) else { throw ValidationError("\(address) is not an e-mail address.") }
    let clock: TimeSource = { Instant(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))) }
    let database = try SQLiteDatabase(path: settings.configurationStorePath)
    let resets = PasswordResets(
      database, limiter: LoginLimiter(clock: clock), publicURL: settings.publicAddress, mail: nil, clock: clock)
    let link = try await resets.link(for: address)
    try await database.close()
    guard let link else { throw NoAccount(address: address) }
    Console.say(link)
  }
}
