import Domain
import Foundation
import NIOCore
import NIOHTTP1

extension EmbedDoctor {
  private var bearer: (String, String) { ("Authorization", "Bearer \(address.token ?? "")") }

  private func code(_ answer: Probe.Answer) -> String { (try? JSONParser.parse(answer.body))?["code"]?.stringValue ?? "" }

  /// Whether the token still opens its dashboard.
  /// - Returns: The server's time, when it does.
  func checkSession(_ report: inout DoctorReport) async -> Date? {
    let answer: Probe.Answer
    switch await probe.send(.GET, address.origin + "/v1/embed/dashboard", [bearer, ("Accept-Encoding", "identity")]) {
    case .success(let found): answer = found
    case .failure(let failure):
      report.problem(
        .session, "/v1/embed/dashboard cannot be reached: \(failure.words).", why: "The page cannot ask for the dashboard.",
        remedy: "Let the proxy pass /v1/embed/ on to Emban.")
      return nil
    }
    switch (answer.status, code(answer)) {
    case (200, _):
      guard let json = try? JSONParser.parse(answer.body), let session = json["session"],
        let time = session["server_time"]?.stringValue.flatMap({ try? Date($0, strategy: Self.time) })
      else { break }
      report.fine(
        .session, "alive until \(session["expires_at"]?.stringValue ?? "?"), of the customer \(session["tenant_id"]?.stringValue ?? "?")")
      report.fine(.dashboard, "\(json["name"]?.stringValue ?? "?"), version \(Int(json["version"]?.numberValue ?? 0))")
      return time
    case (401, "token_missing"):
      report.problem(
        .authorization, "The header Authorization does not arrive.", why: "A proxy takes it away, and the server does not see the token.",
        remedy: "Let it through for /v1/embed/ (no basic authentication in front of it, no proxy_set_header Authorization \"\").")
    case (401, "token_expired"):
      let ended = address.claims?["exp"]?.numberValue.map { " at \(Date(timeIntervalSince1970: $0).formatted(Self.time))" } ?? ""
      report.problem(
        .session, "The session has expired\(ended).", why: "The server answers nothing more for it.",
        remedy: "Make a new session for each view, and renew it while the page is open: fetchEmbedUrl of the helper, emban-token-expiring.")
    case (401, "session_revoked"):
      report.problem(
        .session, "The session was revoked, or its dashboard deleted.", why: "The server answers nothing more for it.",
        remedy: "Make a new session.")
    case (401, "token_invalid"):
      report.problem(
        .token, "The server does not know the token.",
        why: "It was made by another server or for another secret key (EMBAN_SECRET_KEY), or was changed on the way.",
        remedy: "Make the session on the server that shows the dashboard; all its processes share one key and one configuration store.")
    case (404, "dashboard_not_published"):
      report.problem(
        .dashboard, "The dashboard is not published.", why: "Viewers see published versions only.",
        remedy: "POST /v1/dashboards/{id}/publish; its sessions then work again.")
    case (let status, let code):
      report.problem(
        .session, "/v1/embed/dashboard answers \(status)\(code.isEmpty ? ", and not as Emban does" : " \(code)").",
        why: "The page cannot show the dashboard.",
        remedy: code.isEmpty ? "Let the proxy pass /v1/embed/ on to Emban, as it is." : "docs/api.md says what the code means.")
    }
    return nil
  }

  private static var time: Date.ISO8601FormatStyle { Date.ISO8601FormatStyle(includingFractionalSeconds: false) }

  /// Whether the page's own requests and those of web components are let through.
  func checkOrigins(_ report: inout DoctorReport) async {
    let own = await probe.send(
      .POST, address.origin + "/v1/embed/query", [bearer, ("Origin", address.origin)], body: #"{"widgets": []}"#)
    if case .success(let answer) = own, code(answer) == "origin_not_allowed" {
      report.problem(
        .publicURL, "The server takes its own embed page at \(address.origin) for a foreign one.",
        why: "The session has allowed_origins, the address of the server is not among them, and the proxy replaces the Host header.",
        remedy: "Set EMBAN_PUBLIC_URL to \(address.origin), or let the proxy pass Host on.")
    }
    guard let hostOrigin else { return }
    let url = address.origin + "/v1/embed/dashboard"
    guard case .success(let answer) = await probe.send(.GET, url, [bearer, ("Origin", hostOrigin)]),
      case .success(let preflight) = await probe.send(
        .OPTIONS, url,
        [("Origin", hostOrigin), ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "authorization")])
    else { return }
    if code(answer) == "origin_not_allowed" {
      guard !report.has(.frameAncestors) else { return }
      report.problem(
        .origin, "The session may not be used on pages of \(hostOrigin).", why: "Web components get 403 in place of data.",
        remedy: "Add the origin to allowed_origins of the session, of the organisation, or to EMBAN_ALLOWED_ORIGINS.")
      return
    }
    func isOpen(_ answer: Probe.Answer) -> Bool {
      let allowed = answer.all("Access-Control-Allow-Origin")
      return allowed.count == 1 && [hostOrigin, "*"].contains(allowed[0])
    }
    let headers = preflight.all("Access-Control-Allow-Headers").joined(separator: ",").lowercased()
    if isOpen(answer), isOpen(preflight), 200...299 ~= preflight.status, headers.contains("authorization") {
      report.fine(.cors, "pages of \(hostOrigin) may read answers")
    } else {
      report.problem(
        .cors, "The headers that let pages of \(hostOrigin) read answers are missing or doubled.",
        why: "Web components cannot read what the server answers; frames are not concerned.",
        remedy: "Let OPTIONS and the Access-Control headers of /v1/embed/ through as they are, and add none.")
    }
  }

  /// Whether query strings and bodies arrive.
  func checkRequests(_ report: inout DoctorReport) async {
    // The server refuses what it does not know, by name: so it is seen whether the name arrived.
    if case .success(let answer) = await probe.send(.GET, address.origin + "/v1/embed/filter-values?emban_doctor=1", [bearer]),
      answer.status == 422, !answer.text.contains("emban_doctor")
    {
      report.problem(
        .queryString, "What stands behind ? does not arrive.", why: "Filters, exports and addresses with ?token= lose what they ask for.",
        remedy: "Let the proxy pass the query string on (nginx: proxy_pass without a path of its own, or with $is_args$args).")
    } else {
      report.fine(.queryString, "arrives")
    }
    let body = #"{"widgets": []}"#
    switch await probe.send(.POST, address.origin + "/v1/embed/query", [bearer], body: body) {
    case .success(let answer) where answer.status == 200: report.fine(.writes, "POST with a body arrives")
    case .success(let answer):
      report.problem(
        .writes, "POST /v1/embed/query answers \(answer.status) \(code(answer)).", why: "The page asks for all its numbers in this way.",
        remedy: code(answer).isEmpty
          ? "Let POST and its body through for /v1/embed/; firewalls for web applications often stop it."
          : "docs/api.md says what the code means.")
    case .failure(let failure):
      report.problem(
        .writes, "POST /v1/embed/query fails: \(failure.words).", why: "The page asks for all its numbers in this way.",
        remedy: "Let POST and its body through for /v1/embed/.")
    }
  }

  /// Whether what the server sends piece by piece arrives piece by piece.
  func checkStream(_ report: inout DoctorReport) async {
    let url = address.origin + "/v1/embed/live"
    switch await probe.begin(url, [bearer, ("Accept", "text/event-stream"), ("Accept-Encoding", "identity")], patience: patience) {
    case .success(let answer) where answer.status == 200 && Self.isStream(answer): report.fine(.stream, "begins at once")
    case .success(let answer) where answer.status == 429 || answer.status == 503:
      report.warn(
        .stream, "The server opens no more streams now (\(answer.status)).", why: "Live dashboards ask less often instead.",
        remedy: "Look again later.")
    case .success(let answer):
      report.problem(
        .stream, "The stream of a live dashboard answers \(answer.status) as \(answer.header("Content-Type") ?? "nothing").",
        why: "Open dashboards do not hear of new events or of a revocation.", remedy: "Let /v1/embed/live through as it is.")
    case .failure(.silent):
      report.problem(
        .stream, "Nothing of the stream has arrived after \(patience.components.seconds) s.",
        why: "A proxy gathers answers before it passes them on: open dashboards hear of nothing, and widgets appear all at the end.",
        remedy: "Turn buffering off for /v1/embed/ (nginx: proxy_buffering off) and do not compress text/event-stream.")
    case .failure(let failure):
      report.problem(
        .stream, "The stream breaks off: \(failure.words).", why: "Open dashboards do not hear of new events.",
        remedy: "Let /v1/embed/live through, with a read timeout above 15 s.")
    }
  }

  private static func isStream(_ answer: Probe.Answer) -> Bool {
    answer.header("Content-Type")?.hasPrefix("text/event-stream") == true
      && (answer.text.hasPrefix("retry:") || answer.text.hasPrefix("event:"))
  }
}
