import Domain
import Foundation
import NIOHTTP1

/// Looks at an embedded dashboard the way its browser does, step by step; what a step finds may end the examination, because the next
/// would only repeat it.
struct EmbedDoctor {
  var address: EmbedAddress
  /// Origin of the page that embeds, where it is known.
  var hostOrigin: String?
  let probe: Probe
  /// How long a stream may take to begin.
  let patience: Duration

  /// How far clocks may be apart, in seconds.
  static let clockTolerance = 60.0

  mutating func examine() async -> DoctorReport {
    var report = DoctorReport(title: "emban doctor: \(address.title)", secrets: secrets)
    if address.dashboard == nil {
      guard let found = await examineHostPage(&report) else { return report }
      address = found
      report = report.continued(secrets: secrets)
    }
    checkAddress(&report)
    guard let page = await loadPage(&report) else { return report }
    checkFraming(page, &report)
    checkHeaders(page, &report)
    await checkScript(of: page, &report)
    await checkPublicURL(&report)
    var serverTime: Date?
    if address.token != nil {
      serverTime = await checkSession(&report)
      if serverTime != nil {
        await checkOrigins(&report)
        await checkRequests(&report)
        await checkStream(&report)
      }
    }
    checkClock(page, serverTime, &report)
    return report
  }

  private var secrets: [String] {
    guard let token = address.token else { return [] }
    return [token, token.split(separator: ".").last.map(String.init) ?? ""]
  }

  // MARK: - The address itself

  private func checkAddress(_ report: inout DoctorReport) {
    if let hostOrigin, hostOrigin.hasPrefix("https:"), !address.isSecure, !address.isLoopback {
      report.problem(
        .mixedContent, "The page is https, the dashboard http.", why: "Browsers load nothing over http into a page of https.",
        remedy: "Serve Emban over https and set EMBAN_PUBLIC_URL to that address.")
    }
    if let hostOrigin, address.isLoopback, let host = URLComponents(string: hostOrigin)?.host, !EmbedAddress.isLoopback(host) {
      report.problem(
        .publicURL, "The address names this very machine (\(address.origin)).",
        why: "Every viewer's browser would look for the dashboard on the viewer's own machine.",
        remedy: "Set EMBAN_PUBLIC_URL to the address at which browsers reach Emban; embed_url is made of it.")
    }
    guard let token = address.token else {
      report.problem(
        .token, "The address holds no token.",
        why: "The page cannot ask for anything. A shell that cuts the address at & or #, a redirect or a link shortener loses it.",
        remedy: "Use the embed_url of POST /v1/embed-sessions whole, in quotes.")
      return
    }
    guard let claims = address.claims else {
      report.problem(
        .token, "The token is damaged: \(token.count) characters that are no token.", why: "The server refuses it.",
        remedy: "Use the embed_url as it was answered, without encoding it again.")
      return
    }
    if let named = address.dashboard, let own = claims["dashboard"]?.stringValue, named.hasPrefix("dash_"), named != own {
      report.problem(
        .token, "The token is for the dashboard \(own), the address names \(named).",
        why: "A token opens the dashboard it was made for, whatever the address says.",
        remedy: "Make a session for the dashboard that is meant.")
    } else if address.place == .query {
      report.fine(.token, "there; behind # instead of ? it would stay out of the logs of proxies, too")
    } else {
      report.fine(.token, "there, where no proxy's log sees it")
    }
  }

  // MARK: - The page

  /// The embed page, as a frame loads it.
  private func loadPage(_ report: inout DoctorReport) async -> Probe.Answer? {
    let page: Probe.Answer
    switch await probe.send(.GET, address.origin + address.target, [("Accept-Encoding", "identity"), ("Accept", "text/html")]) {
    case .success(let answer): page = answer
    case .failure(let failure) where failure.isTLS:
      report.problem(
        .tls, "No secure connection to \(address.origin): \(failure.words).",
        why: "Browsers show a warning in place of the page, in frames nothing.",
        remedy: "Give the proxy a certificate that browsers trust for \(address.host); or use http if nothing speaks TLS there.")
      return nil
    case .failure(let failure):
      report.problem(
        .unreachable, "\(address.origin) cannot be reached: \(failure.words).", why: "Without the server there is no dashboard.",
        remedy: "Check that Emban runs (GET /healthz), its name in the DNS, EMBAN_HOST, the proxy and the firewall.")
      return nil
    }
    if 300...399 ~= page.status {
      let location = page.header("Location") ?? ""
      let loses = address.place == .query && !location.contains("token=")
      report.problem(
        .redirect, "The address is redirected (\(page.status)) to \(location.prefix { $0 != "?" && $0 != "#" }).",
        why: loses
          ? "The token is lost on the way: the page arrives without it."
          : "The token is shown to whatever is in between, and scripts of pages that embed refuse answers of another origin.",
        remedy: "Set EMBAN_PUBLIC_URL to the address that is meant (https, right name, no path), so that embed_url names it at once.")
      return nil
    }
    guard page.status == 200 else {
      report.problem(
        .embedPage, "The embed page answers \(page.status).", why: "Nothing but a page with 200 is shown in a frame.",
        remedy: page.status == 401 || page.status == 403
          ? "Something in front of Emban wants a login: let /embed/, /web/, /sdk/ and /v1/embed/ through; the token protects them."
          : "Let the proxy pass /embed/ on to Emban, with the path as it is.")
      return nil
    }
    guard Self.script(of: page.text) != nil else {
      report.problem(
        .embedPage, "What answers is not Emban's embed page.", why: "Another program or a page of the proxy stands at this address.",
        remedy: "Let the proxy pass /embed/, /web/, /sdk/, /v1/ and /api/ on to Emban; or correct EMBAN_PUBLIC_URL.")
      return nil
    }
    report.fine(.embedPage, "answers 200")
    return page
  }

  static func script(of html: String) -> Substring? { html.firstMatch(of: /<script src="(\/web\/embed-[^"]+)"/)?.1 }

  /// Whether a browser lets the host page frame it.
  private func checkFraming(_ page: Probe.Answer, _ report: inout DoctorReport) {
    let policies = ContentPolicy.all(page.all("Content-Security-Policy"))
    let ancestors = policies.compactMap { $0.sources("frame-ancestors") }
    if let option = page.header("X-Frame-Options") {
      report.problem(
        .frameOptions, "The page carries X-Frame-Options: \(option).",
        why: ancestors.isEmpty
          ? "Browsers refuse to show it in a frame."
          : "Browsers that know frame-ancestors follow that instead; others, and some web views, refuse to show the page in a frame.",
        remedy:
          "A proxy adds it, for Emban does not: take it away for /embed/ (nginx: proxy_hide_header X-Frame-Options, and no add_header).")
    } else {
      report.fine(.frameOptions, "absent, as it should be")
    }
    if policies.isEmpty || ancestors.isEmpty {
      report.problem(
        .policy,
        policies.isEmpty ? "The content security policy of the page is missing." : "The policy of the page has no frame-ancestors.",
        why: "A proxy takes away or replaces what Emban sends: any page may frame the dashboard, whatever allowed_origins says.",
        remedy: "Let the header Content-Security-Policy through as it is.")
    } else if policies.contains(where: { policy in
      ["script-src", "connect-src", "style-src"].contains { name in
        policy.sources(name, "default-src").map { !ContentPolicy.allows($0, address.origin, own: address.origin) } ?? false
      }
    }) {
      report.problem(
        .policy, "A policy of the page forbids its own script, style sheet or requests.",
        why: "The frame stays empty. Where there are two policies, both hold.",
        remedy: "Take away the policy that the proxy adds for /embed/; Emban sends its own.")
    } else {
      report.fine(.policy, "lets the page's own files through")
    }
    guard let hostOrigin else {
      if !ancestors.isEmpty {
        report.fine(
          .frameAncestors, ancestors.map { $0.joined(separator: " ") }.joined(separator: ", and ") + " (compared with --host-page)")
      }
      return
    }
    if let refusing = ancestors.first(where: { !ContentPolicy.allows($0, hostOrigin, own: address.origin) }) {
      report.problem(
        .frameAncestors, "Pages of \(hostOrigin) may not frame it; allowed are: \(refusing.joined(separator: " ")).",
        why: "The browser shows an empty frame or its own error page.",
        remedy: "Add the origin to allowed_origins of the session, of the organisation, or to EMBAN_ALLOWED_ORIGINS.")
    } else if !ancestors.isEmpty {
      report.fine(.frameAncestors, "allows \(hostOrigin)")
    }
  }

  private func checkHeaders(_ page: Probe.Answer, _ report: inout DoctorReport) {
    var warnings = 0
    let referrer = page.all("Referrer-Policy").joined(separator: ", ")
    if !referrer.contains("no-referrer") || referrer.contains("unsafe-url") {
      warnings += 1
      report.warn(
        .headers, "Referrer-Policy is \(referrer.isEmpty ? "missing" : referrer), where Emban sends no-referrer.",
        why: "Addresses with a token may be told to other servers.", remedy: "Let the header through as it is.")
    }
    if page.header("Age") != nil || !(page.header("Cache-Control") ?? "").contains("no-store") {
      warnings += 1
      report.warn(
        .headers,
        "The page is kept by a cache (Cache-Control: \(page.header("Cache-Control") ?? "missing"), Age: \(page.header("Age") ?? "none")).",
        why: "One viewer may get the policy that was made for another's session.", remedy: "Take /embed/ and /v1/ out of the proxy's cache."
      )
    }
    if warnings == 0 { report.fine(.headers, "as Emban sends them") }
    if let encoding = page.header("Content-Encoding"), encoding.lowercased() != "identity" {
      report.problem(
        .compression, "The page comes as \(encoding), which was not asked for.", why: "What cannot unpack it shows nothing.",
        remedy: "Compress by Accept-Encoding only; Emban does so by itself.")
    }
  }
}

extension DoctorReport {
  /// The same findings, with a token that was found meanwhile kept secret.
  func continued(secrets: [String]) -> DoctorReport {
    var report = DoctorReport(title: title, secrets: secrets)
    for finding in findings {
      switch finding.verdict {
      case .fine: report.fine(finding.subject, finding.what)
      case .warning: report.warn(finding.subject, finding.what, why: finding.why, remedy: finding.remedy)
      case .problem: report.problem(finding.subject, finding.what, why: finding.why, remedy: finding.remedy)
      }
    }
    return report
  }
}
