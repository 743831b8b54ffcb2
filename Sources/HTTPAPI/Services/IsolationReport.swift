public import Domain

/// What a check of isolation saw.
public struct IsolationReport: Sendable, Hashable {
  /// One thing that was tried as one of the made-up customers.
  public struct Check: Sendable, Hashable {
    /// What was asked: `widget w_calls`, `export w_calls`, `filter values model` …
    public let name: String
    /// The widget that it is about; nil for checks of the dashboard or of the store as a whole.
    public let widget: String?
    /// As whom it was asked.
    public let tenant: String
    /// How many rows the answer had.
    public let rows: Int
    public let ok: Bool
    /// What is wrong, or what was seen in place of rows; empty otherwise.
    public let detail: String

    public init(name: String, widget: String? = nil, tenant: String, rows: Int, ok: Bool, detail: String = "") {
      self.name = name
      self.widget = widget
      self.tenant = tenant
      self.rows = rows
      self.ok = ok
      self.detail = detail
    }

    public var json: JSONValue {
      [
        "name": .string(name), "widget": .optional(widget), "tenant": .string(tenant), "rows": .int(rows), "ok": .bool(ok),
        "detail": .string(detail),
      ]
    }
  }

  public let dashboardID: DashboardID
  public let dashboardName: String
  public let checks: [Check]
  public let elapsedMilliseconds: Double

  /// Whether every check holds.
  public var ok: Bool { checks.allSatisfy(\.ok) }

  public var json: JSONValue {
    [
      "ok": .bool(ok), "dashboard_id": .string(dashboardID.rawValue), "elapsed_ms": .number((elapsedMilliseconds * 10).rounded() / 10),
      "checks": .array(checks.map(\.json)),
    ]
  }

  /// The refusal of a publication by this report; nil when every check holds.
  var refusal: AppError? {
    let failed = checks.filter { !$0.ok }
    guard let first = failed.first else { return nil }
    let more = failed.count > 1 ? " and \(failed.count - 1) more" : ""
    return AppError(
      status: 500, code: "isolation_check_failed",
      message: "Not published: the check that customers see nothing of each other failed (\(first.name)\(more)).",
      details: failed.prefix(Limits.listedProblems).map {
        FieldProblem(field: $0.widget.map { "widgets.\($0)" } ?? "", code: "isolation", expected: "\($0.name): \($0.detail)")
      },
      cause: failed.prefix(10).map { "\($0.name) as \($0.tenant): \($0.detail)" }.joined(separator: "; "))
  }
}
