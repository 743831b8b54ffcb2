public import AsyncHTTPClient
public import Logging
import ServiceLifecycle
import Synchronization

/// A ClickHouse that somebody else runs (`EMBAN_CLICKHOUSE_URL`): it is watched, not started.
public final class ExternalClickHouse: ClickHouseServer {
  public let board = ClickHouseStatusBoard()
  private let address: ClickHouseEndpoint
  private let client: ClickHouseClient
  private let logger: Logger
  private let interval: Duration
  private let patience: Duration
  private let hasServed = Atomic(false)

  /// Of a server that is ready so many looks in a row have to come to nothing before it counts as gone: for one late answer a store that is
  /// merely busy would be taken from everybody. One that refuses connections is gone at once.
  private static let looks = 3

  /// - Parameters:
  ///   - interval: how often a server that answers is asked again; one that does not is asked every second.
  ///   - patience: how long a look waits for its answer; a second later it is given up.
  public init(
    endpoint: ClickHouseEndpoint, httpClient: HTTPClient, logger: Logger, interval: Duration = .seconds(5), patience: Duration = .seconds(5)
  ) {
    self.address = endpoint
    self.logger = logger
    self.interval = interval
    self.patience = patience
    self.client = ClickHouseClient(
      httpClient: httpClient, passwords: ReaderPasswords(viewer: "", analyst: "", exporter: ""), logger: logger, endpoint: { endpoint })
  }

  /// Watches the server until graceful shutdown or cancellation.
  ///
  /// - Throws: ``ClickHouseConfigurationError`` when the server is older than 25.8 or does not let us in at the start: waiting would not help. Of a
  ///   server that has served, both are told and asked again: rights may be changed under a running program, and changed back.
  public func run() async throws {
    do {
      try await cancelWhenGracefulShutdown {
        var late = 0
        while !Task.isCancelled {
          try await self.look(&late)
          try? await Task.sleep(for: self.status.isReady && late == 0 ? self.interval : .seconds(1))
        }
      }
      board.set(.stopped(reason: "emban is stopping"))
    } catch {
      board.set(.stopped(reason: String(describing: error)))
      throw error
    }
  }

  /// - Parameter late: how many looks before this one in a row had no answer, or none that tells anything, from a server that was ready.
  private func look(_ late: inout Int) async throws {
    do {
      let version = try await client.version(timeout: patience)
      guard let known = ClickHouseVersion(version), known >= .minimum else {
        return try refused("The ClickHouse at \(address) is \(version); Emban needs \(ClickHouseVersion.minimum) or newer.")
      }
      if !status.isReady { logger.info("ClickHouse is ready", metadata: ["version": "\(version)", "url": "\(address)"]) }
      if late > 0, status.isReady { logger.info("ClickHouse answers again", metadata: ["url": "\(address)"]) }
      late = 0
      hasServed.store(true, ordering: .relaxed)
      board.set(.ready(version: version), endpoint: address)
    } catch ClickHouseError.exception(let exception) where exception.isRefusal {
      try refused("The ClickHouse at \(address) does not let the user '\(address.user)' in: check EMBAN_CLICKHOUSE_URL.")
    } catch let error as ClickHouseError {
      // A deadline that passed, or the server's own word that it has too much to do.
      if case .exception = error, status.isReady, late + 1 < Self.looks {
        late += 1
        logger.warning("ClickHouse is late; looking again", metadata: ["url": "\(address)", "looks": "\(late)", "reason": "\(error)"])
        return
      }
      late = 0
      if !Task.isCancelled, status.isReady || status == .starting {
        logger.error("ClickHouse does not answer", metadata: ["url": "\(address)", "reason": "\(error)"])
      }
      board.set(.down(reason: "\(address) does not answer"))
    } catch is CancellationError {
      return
    }
  }

  private func refused(_ reason: String) throws {
    guard hasServed.load(ordering: .relaxed) else { throw ClickHouseConfigurationError(reason: reason) }
    if status != .refused(reason: reason) { logger.error("ClickHouse refuses; asking again", metadata: ["reason": "\(reason)"]) }
    board.set(.refused(reason: reason))
  }
}
