public import Domain

/// Erases a tenant: its events, their ids, what is counted of them and its rollups.
public struct TenantEraser: Sendable {
  private static let patience: Duration = .seconds(15)

  private let remover: EventRemover
  private let settled: @Sendable (Duration) async -> Bool

  /// - Parameter settled: returns when everything that this program has accepted is in the store, or false after so long.
  public init(remover: EventRemover, settled: @escaping @Sendable (Duration) async -> Bool = { _ in true }) {
    self.remover = remover
    self.settled = settled
  }

  /// Erases all events of a tenant that were accepted before; those that are accepted meanwhile may stay.
  ///
  /// - Returns: How many events there were. They are in no answer any more; their bytes go within the day.
  /// - Throws: ``AppError`` 503 `erasure_delayed` when nothing was erased, `erasure_unfinished` when some was: the rest goes by itself.
  public func erase(_ tenant: TenantID, of scope: IngestScope) async throws(AppError) -> Int {
    guard await settled(Self.patience) else { throw Self.delayed(cause: "accepted events are not in the event store yet") }
    do {
      return try await remover.remove(from: scope.organization, patience: Self.patience) { [remover] in
        let before: Instant
        let isQuiet: Bool
        do {
          before = try await remover.storeTime()
          isQuiet = try await remover.insertsAreOver(before: before, patience: .seconds(10))
        } catch {
          throw Self.delayed(cause: "\(error)")
        }
        guard isQuiet else { throw Self.delayed(cause: "inserts that began before the erasure do not end") }
        return .tenant(scope.environment, tenant, before: before)
      }
    } catch let error as AppError {
      throw error
    } catch EventRemover.Failure.busy {
      throw Self.delayed(cause: "another removal of the organisation is under way")
    } catch {
      throw .unavailable(
        "erasure_unfinished", "The event store did not answer. What was begun goes on by itself; ask again to know that it is done.",
        retryAfter: 15, cause: "\(error)")
    }
  }

  private static func delayed(cause: String) -> AppError {
    .unavailable(
      "erasure_delayed",
      "The event store does not answer, or is still storing what was accepted before. Nothing was erased; ask again.", retryAfter: 5,
      cause: cause)
  }
}
