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
  private let hasServed = Atomic(false)

  /// - Parameter interval: how often a server that answers is asked again; one that does not is asked every second.
  public init(endpoint: ClickHouseEndpoint, httpClient: HTTPClient, logger: Logger, interval: Duration = .seconds(5)) {
    self.address = endpoint
    self.logger = logger
    self.interval = interval
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
        while !Task.isCancelled {
          try await self.look()
          try? await Task.sleep(for: self.status.isReady ? self.interval : .seconds(1))
        }
      }
      board.set(.stopped(reason: "emban is stopping"))
    } catch {
      board.set(.stopped(reason: String(describing: error)))
      throw error
    }
  }

  private func look() async throws {
    do {
      let version = try await client.version()
      guard let known = ClickHouseVersion(version), known >= .minimum else {
        return try refused("The ClickHouse at \(address) is \(version); Emban needs \(ClickHouseVersion.minimum) or newer.")
      }
      if !status.isReady { logger.info("ClickHouse is ready", metadata: ["version": "\(version)", "url": "\(address)"]) }
      hasServed.store(true, ordering: .relaxed)
      board.set(.ready(version: version), endpoint: address)
    } catch ClickHouseError.exception(let exception) where exception.isRefusal {
      try refused("The ClickHouse at \(address) does not let the user '\(address.user)' in: check EMBAN_CLICKHOUSE_URL.")
    } catch let error as ClickHouseError {
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
