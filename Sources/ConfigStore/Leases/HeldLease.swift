public import Domain

/// A lease that is held for as long as a piece of work takes, however long that is.
public struct HeldLease: Sendable {
  /// Another program has taken the lease: this one was not heard of for so long, perhaps because it stood still.
  public struct Lost: Error, CustomStringConvertible {
    public let name: String
    public var description: String { "another program has taken over (\(name))" }
  }

  /// Says whether the work may go on: to be asked before each of its steps.
  public typealias Check = @Sendable () async throws -> Void

  private static let poll: Duration = .milliseconds(250)

  private let leases: LeaseRepository
  private let name: String
  private let holder: String
  private let seconds: Double
  private let clock: TimeSource

  /// - Parameters:
  ///   - holder: another one for every program.
  ///   - seconds: how long others wait after the last word of a program that died. A word is given four times as often.
  public init(_ leases: LeaseRepository, name: String, holder: String, seconds: Double, clock: @escaping TimeSource) {
    self.leases = leases
    self.name = name
    self.holder = holder
    self.seconds = seconds
    self.clock = clock
  }

  /// Waits for the lease, does the work, and gives the lease back.
  ///
  /// - Parameter waits: told once, when another has it.
  /// - Throws: What the work throws, and the store; ``Lost``, with the work cancelled.
  public func run<T: Sendable>(
    waits: @Sendable () -> Void = {}, _ work: @escaping @Sendable (_ mayGoOn: @escaping Check) async throws -> T
  ) async throws -> T {
    var isTold = false
    while !(try await take()) {
      if !isTold { waits() }
      isTold = true
      try await Task.sleep(for: Self.poll)
    }
    do {
      let result = try await holding(work)
      await giveBack()
      return result
    } catch {
      await giveBack()
      throw error
    }
  }

  private func holding<T: Sendable>(_ work: @escaping @Sendable (_ mayGoOn: @escaping Check) async throws -> T) async throws -> T {
    try await withThrowingTaskGroup(of: T?.self) { group in
      defer { group.cancelAll() }
      group.addTask {
        try await work {
          guard try await take() else { throw Lost(name: name) }
        }
      }
      group.addTask {
        while !Task.isCancelled {
          try await Task.sleep(for: .seconds(seconds / 4))
          do {
            guard try await take() else { throw Lost(name: name) }
          } catch is AppError {
            // The store is away, for others as well.
          }
        }
        return nil
      }
      while let result = try await group.next() {
        if let result { return result }
      }
      throw CancellationError()
    }
  }

  private func take() async throws -> Bool {
    let now = clock()
    return try await leases.take(name, holder: holder, until: now.adding(seconds: seconds), at: now)
  }

  private func giveBack() async {
    // In a task of its own, which is waited for: the store takes nothing from a task that was cancelled.
    await Task { try? await leases.giveBack(name, holder: holder) }.value
  }
}
