import Foundation

/// One thing that was looked at.
struct Finding: Sendable {
  enum Verdict: String, Sendable {
    case fine = "ok"
    /// Works, but not as it should, or only for some.
    case warning
    case problem
  }

  /// What can be wrong; stable, for people who look it up in `docs/guides/troubleshooting.md`.
  enum Subject: String, Sendable, CaseIterable {
    case address
    case unreachable
    case tls
    case redirect
    case embedPage = "embed-page"
    case frameOptions = "x-frame-options"
    case policy = "content-security-policy"
    case frameAncestors = "frame-ancestors"
    case headers
    case compression
    case script
    case mixedContent = "mixed-content"
    case hostPolicy = "host-page-policy"
    case publicURL = "public-url"
    case token
    case authorization
    case session
    case dashboard
    case origin
    case cors
    case queryString = "query-string"
    case writes
    case stream
    case clock
  }

  let subject: Subject
  let verdict: Verdict
  let what: String
  /// What it breaks, and what to do; empty when it is fine.
  var why = ""
  var remedy = ""
}

/// All findings, in the order in which they were made.
struct DoctorReport: Sendable {
  let title: String
  private(set) var findings: [Finding] = []
  /// Texts that must not be printed.
  private let secrets: [String]

  init(title: String, secrets: [String]) {
    self.title = title
    self.secrets = secrets.filter { $0.count >= 8 }
  }

  var problems: Int { findings.count { $0.verdict == .problem } }

  func has(_ subject: Finding.Subject) -> Bool { findings.contains { $0.subject == subject && $0.verdict == .problem } }

  mutating func fine(_ subject: Finding.Subject, _ what: String) {
    findings.append(Finding(subject: subject, verdict: .fine, what: what))
  }

  mutating func warn(_ subject: Finding.Subject, _ what: String, why: String, remedy: String) {
    findings.append(Finding(subject: subject, verdict: .warning, what: what, why: why, remedy: remedy))
  }

  mutating func problem(_ subject: Finding.Subject, _ what: String, why: String, remedy: String) {
    findings.append(Finding(subject: subject, verdict: .problem, what: what, why: why, remedy: remedy))
  }

  var text: String {
    var lines = [title, ""]
    for finding in findings {
      let name = finding.subject.rawValue.padding(toLength: 24, withPad: " ", startingAt: 0)
      lines.append("\(finding.verdict.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)) \(name) \(finding.what)")
      if !finding.why.isEmpty { lines.append("           why: \(finding.why)") }
      if !finding.remedy.isEmpty { lines.append("           do:  \(finding.remedy)") }
    }
    let warnings = findings.count { $0.verdict == .warning }
    lines.append("")
    lines.append(
      problems == 0
        ? "Nothing is wrong" + (warnings == 0 ? "." : "; \(warnings) warning\(warnings == 1 ? "" : "s").")
        : "\(problems) problem\(problems == 1 ? "" : "s"). More on each: docs/guides/troubleshooting.md")
    // What servers and proxies answer stands in these lines: no control characters, and nothing secret.
    return lines.map { line in
      var clean = LineLogHandler.onOneLine(line)
      for secret in secrets { clean = clean.replacing(secret, with: "[token]") }
      return clean
    }.joined(separator: "\n")
  }
}
