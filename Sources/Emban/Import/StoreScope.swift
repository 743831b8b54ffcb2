import ConfigStore
import Domain
import Ingest

/// Whose events a command without a server means.
enum StoreScope {
  /// - Parameter organization: by id or name; nil is the only one there is.
  /// - Throws: ``ImportError`` with a sentence that names what there is.
  static func find(
    organization wanted: String?, environment: String, in repository: OrganizationRepository
  ) async throws -> IngestScope {
    let all = try await repository.all()
    let chosen = all.filter { wanted == nil || $0.id.rawValue == wanted || $0.name == wanted }
    guard chosen.count == 1, let owner = chosen.first else { throw ImportError.sinkFailed(reason: complaint(wanted, all)) }
    let environments = try await repository.environments(owner.id)
    guard let name = environments.first(where: { $0.rawValue == environment }) else {
      throw ImportError.sinkFailed(
        reason: "--environment must be one of \(environments.map(\.rawValue).joined(separator: ", ")), not '\(environment)'.")
    }
    return IngestScope(organization: owner.id, environment: name)
  }

  private static func complaint(_ wanted: String?, _ all: [Organization]) -> String {
    if all.isEmpty { return "There is no organization yet: start `emban serve` and register with POST /v1/auth/register." }
    let list = all.map { "\($0.name) (\($0.id))" }.joined(separator: ", ")
    return wanted.map { "There is no single organization '\($0)'; there are \(list)." } ?? "Choose an --organization: \(list)."
  }
}
