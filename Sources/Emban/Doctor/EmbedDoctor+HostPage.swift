import Foundation
import NIOHTTP1

extension EmbedDoctor {
  /// Looks for what a page embeds, and whether its own policy lets it.
  /// - Returns: The address of the dashboard, or one of the server where the page names no more.
  mutating func examineHostPage(_ report: inout DoctorReport) async -> EmbedAddress? {
    let page: Probe.Answer
    switch await probe.send(.GET, address.origin + address.target, [("Accept-Encoding", "identity"), ("Accept", "text/html")]) {
    case .success(let answer): page = answer
    case .failure(let failure):
      report.problem(
        failure.isTLS ? .tls : .unreachable, "\(address.origin) cannot be reached: \(failure.words).", why: "There is nothing to look at.",
        remedy: "Give the embed_url of a session instead.")
      return nil
    }
    let html = page.text
    let frames = html.matches(of: /<iframe\b[^>]*?\bsrc\s*=\s*["']([^"']*\/embed\/[^"']+)["']/.ignoresCase()).map { String($0.1) }
    let scripts = html.matches(
      of: /<script\b[^>]*?\bsrc\s*=\s*["']([^"']*\/(?:sdk\/emban-(?:embed|dashboard)|web-components\/dbn-dashboard)\.js)/.ignoresCase()
    )
    .map { String($0.1) }
    let token = html.firstMatch(of: /<(?:emban-(?:dashboard|widget)|dbn-dashboard)\b[^>]*?\btoken\s*=\s*["']([^"']+)["']/.ignoresCase()).map
    { String($0.1) }
    guard page.status == 200, let found = (frames + scripts).first.flatMap({ Self.absolute($0, on: address.origin) }) else {
      report.problem(
        .address, "The page (\(page.status)) holds neither a frame nor a script of Emban.",
        why: "It wants a login, embeds by a script of its own, or does not embed.",
        remedy: "Give the embed_url of a session instead, and the page as --host-page.")
      return nil
    }
    hostOrigin = hostOrigin ?? address.origin
    let policies = ContentPolicy.all(page.all("Content-Security-Policy"))
    let wanted: [(names: [String], when: Bool)] = [
      (["frame-src", "child-src", "default-src"], !frames.isEmpty || scripts.contains { $0.contains("emban-embed") }),
      (["script-src-elem", "script-src", "default-src"], !scripts.isEmpty),
      (["connect-src", "default-src"], scripts.contains { $0.contains("dashboard.js") }),
    ]
    let missing = wanted.filter(\.when).filter { need in
      policies.contains { policy in
        let sources = need.names.lazy.compactMap { policy.sources($0) }.first
        return sources.map { !ContentPolicy.allows($0, found.origin, own: address.origin) } ?? false
      }
    }.map { $0.names[0] == "script-src-elem" ? "script-src" : $0.names[0] }
    if missing.isEmpty {
      report.fine(.hostPolicy, "lets \(found.origin) through")
    } else {
      report.problem(
        .hostPolicy, "The page's own policy does not let \(found.origin) through: \(missing.joined(separator: ", ")).",
        why: "The browser loads nothing from there into this page.",
        remedy: "Add \(found.origin) to \(missing.joined(separator: " and to ")) of the page's policy.")
    }
    if frames.isEmpty, let token, let address = EmbedAddress("\(found.origin)/embed/page#token=\(token)") { return address }
    return frames.isEmpty ? EmbedAddress("\(found.origin)/embed/page") : found
  }

  private static func absolute(_ reference: String, on origin: String) -> EmbedAddress? {
    let reference = reference.replacing("&amp;", with: "&")
    if reference.hasPrefix("//") { return EmbedAddress(origin.prefix { $0 != "/" } + reference) }
    return EmbedAddress(reference.hasPrefix("/") ? origin + reference : reference)
  }
}
