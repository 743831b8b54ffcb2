import ClickHouse
import Domain
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

/// A foreign ClickHouse that stands still for a while, as one does on a machine that has too much to do.
@Suite struct FrozenClickHouseTests {
  /// What is told of a server, in the order in which it is told.
  private final class Notes: Sendable {
    enum Note: Sendable, Hashable { case ready, late(Int), again, gone }

    private let notes = Mutex<[Note]>([])
    var all: [Note] { notes.withLock { $0 } }
    func add(_ note: Note) { notes.withLock { $0.append(note) } }

    var logger: Logger { Logger(label: "test") { _ in Handler(notes: self) } }
  }

  private struct Handler: LogHandler {
    let notes: Notes
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(notes: Notes) { self.notes = notes }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      switch "\(event.message)" {
      case "ClickHouse is ready": notes.add(.ready)
      case "ClickHouse is late; looking again": notes.add(.late(event.metadata?["looks"].flatMap { Int("\($0)") } ?? 0))
      case "ClickHouse answers again": notes.add(.again)
      case "ClickHouse does not answer": notes.add(.gone)
      default: break
      }
    }
  }

  private static func waitUntil(_ what: Comment, _ holds: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(300)
    while !holds() {
      try #require(ContinuousClock.now < deadline, what)
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// One late answer took the store from everybody; now the third in a row does.
  @Test func aServerIsGoneAfterSeveralLateAnswersInARow() async throws {
    let test = try await TestClickHouse.shared()
    let folder = try TestClickHouse.makeTestFolder()
    defer { TestClickHouse.removeTestFolder(folder) }
    let store = ClickHouseSupervisor(
      configuration: .init(dataDirectory: folder, binary: ProcessInfo.processInfo.environment["EMBAN_CLICKHOUSE_BIN"]),
      httpClient: test.httpClient, logger: test.logger)
    let notes = Notes()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await store.run() }
      try await store.waitUntilReady()
      let pid = try #require(store.processIdentifier)
      let server = ExternalClickHouse(
        endpoint: try store.endpoint(), httpClient: test.httpClient, logger: notes.logger, interval: .milliseconds(50),
        patience: .seconds(1))
      group.addTask { try await server.run() }
      try await server.waitUntilReady()

      // For one look. A test that is itself held up for several of them tries again.
      while !notes.all.contains(.again) {
        let before = notes.all.count
        kill(pid, SIGSTOP)
        try await Self.waitUntil("a look that is late") { notes.all.count > before }
        kill(pid, SIGCONT)
        try await Self.waitUntil("an answer") { notes.all.last == .again || notes.all.last == .ready }
      }

      // For good.
      let before = notes.all.count
      kill(pid, SIGSTOP)
      try await Self.waitUntil("a server that is gone") { notes.all.dropFirst(before).contains(.gone) && !server.status.isReady }
      #expect(throws: ClickHouseError.self) { _ = try server.endpoint() }
      kill(pid, SIGCONT)
      try await server.waitUntilReady()
      group.cancelAll()
      while let _ = try? await group.next() {}
    }

    var late = 0
    var isReady = false
    for note in notes.all {
      switch note {
      case .ready: (late, isReady) = (0, true)
      case .late(let count):
        late += 1
        #expect(isReady && count == late && late <= 2, "\(notes.all)")
      case .again:
        #expect(isReady && late > 0, "\(notes.all)")
        late = 0
      case .gone:
        #expect(!isReady || late == 2, "\(notes.all)")
        (late, isReady) = (0, false)
      }
    }
  }
}
