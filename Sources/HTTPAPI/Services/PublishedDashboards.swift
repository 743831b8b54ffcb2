import ConfigStore
import Domain
import Synchronization

/// A snapshot of a dashboard with its configuration.
struct PublishedDashboard: Sendable {
  let version: DashboardVersion
  let config: DashboardConfig
}

/// Where viewers' dashboards come from: what is published, or, for the check of isolation, the one snapshot that is looked at.
protocol DashboardSource: Sendable {
  /// What embeds show; nil while it is offline.
  func current(_ organization: OrganizationID, _ id: DashboardID) async throws -> PublishedDashboard?
}

/// What embeds show, read once for each published version: a version never changes, so that only its number is asked for again.
final class PublishedDashboards: DashboardSource {
  private static let capacity = 256

  private let repository: DashboardRepository
  private let known = Mutex<[DashboardRepository.PublishedMark: PublishedDashboard]>([:])

  init(_ repository: DashboardRepository) { self.repository = repository }

  /// The dashboard's published version; nil while it is offline.
  /// - Throws: ``AppError`` 500 for a snapshot that this program cannot read.
  func current(_ organization: OrganizationID, _ id: DashboardID) async throws -> PublishedDashboard? {
    guard let mark = try await repository.publishedMark(organization, id) else { return nil }
    if let published = known.withLock({ $0[mark] }) { return published }
    guard let version = try await repository.published(organization, id.rawValue) else { return nil }
    let published: PublishedDashboard
    do {
      published = PublishedDashboard(version: version, config: try DashboardConfig.read(version.config))
    } catch {
      throw AppError.internal(cause: "the snapshot \(version.version) of \(id) cannot be read: \(error)")
    }
    // Somebody may have published between the two questions: kept is what the answer itself says.
    let answered = DashboardRepository.PublishedMark(dashboardID: id, version: version.version, slug: version.slug)
    known.withLock { known in
      if known.count >= Self.capacity { known.removeAll(keepingCapacity: true) }
      known[answered] = published
    }
    return published
  }
}
