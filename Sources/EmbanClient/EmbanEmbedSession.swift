public import Foundation

/// What one viewer may see and do. The server enforces it; nil leaves a permission at its default.
///
///     EmbanPermissions(lockedFilters: ["model": ["gpt-4"]], allowedPeriods: ["7d", "30d"], allowExport: false)
public struct EmbanPermissions: Sendable, Hashable, Codable {
  /// Values by dimension that the viewer can neither see nor change.
  public var lockedFilters: [String: [String]]?
  public var hiddenWidgets: [String]?
  public var allowedPeriods: [String]?
  public var allowedDimensions: [String]?
  public var allowDrillDown: Bool?
  /// The events behind a number.
  public var allowUnderlyingData: Bool?
  public var maxDateRangeDays: Int?
  public var allowExport: Bool?
  /// The viewer may rearrange the dashboard for itself.
  public var allowCustomizeLayout: Bool?
  /// The viewer may add widgets of its own.
  public var allowManageWidgets: Bool?

  public init(
    lockedFilters: [String: [String]]? = nil, hiddenWidgets: [String]? = nil, allowedPeriods: [String]? = nil,
    allowedDimensions: [String]? = nil, allowDrillDown: Bool? = nil, allowUnderlyingData: Bool? = nil, maxDateRangeDays: Int? = nil,
    allowExport: Bool? = nil, allowCustomizeLayout: Bool? = nil, allowManageWidgets: Bool? = nil
  ) {
    self.lockedFilters = lockedFilters
    self.hiddenWidgets = hiddenWidgets
    self.allowedPeriods = allowedPeriods
    self.allowedDimensions = allowedDimensions
    self.allowDrillDown = allowDrillDown
    self.allowUnderlyingData = allowUnderlyingData
    self.maxDateRangeDays = maxDateRangeDays
    self.allowExport = allowExport
    self.allowCustomizeLayout = allowCustomizeLayout
    self.allowManageWidgets = allowManageWidgets
  }

  private enum CodingKeys: String, CodingKey {
    case lockedFilters = "locked_filters"
    case hiddenWidgets = "hidden_widgets"
    case allowedPeriods = "allowed_periods"
    case allowedDimensions = "allowed_dimensions"
    case allowDrillDown = "allow_drill_down"
    case allowUnderlyingData = "allow_underlying_data"
    case maxDateRangeDays = "max_date_range_days"
    case allowExport = "allow_export"
    case allowCustomizeLayout = "allow_customize_layout"
    case allowManageWidgets = "allow_manage_widgets"
  }
}

/// A new embed session with its token, which is told this once. Descriptions leave the token out.
public struct EmbanEmbedSession: Sendable, Hashable, Decodable {
  /// What opens the dashboard: for `token` of `<emban-dashboard>`.
  public let token: String
  /// The address of an iframe, with the token in it.
  public let embedURL: String
  public let expiresAt: Date
  /// By which it can be revoked; no secret.
  public let sessionID: String

  /// ``embedURL`` with the token behind `#`, where no proxy's log sees it.
  public var fragmentURL: String { embedURL.replacing("?token=", with: "?session=\(sessionID)#token=", maxReplacements: 1) }

  private enum CodingKeys: String, CodingKey {
    case token
    case embedURL = "embed_url"
    case expiresAt = "expires_at"
    case sessionID = "session_id"
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    token = try container.decode(String.self, forKey: .token)
    embedURL = try container.decode(String.self, forKey: .embedURL)
    expiresAt = try container.date(.expiresAt)
    sessionID = try container.decode(String.self, forKey: .sessionID)
  }
}

extension EmbanEmbedSession: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "EmbanEmbedSession(\(sessionID), until \(EmbanTime.text(expiresAt)))" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["sessionID": sessionID, "expiresAt": expiresAt]) }
}

/// A session that is still alive, as lists show it: without its token.
public struct EmbanSessionInfo: Sendable, Hashable, Decodable {
  public let sessionID: String
  public let tenantID: String
  public let dashboardID: String
  public let environment: String
  public let createdAt: Date
  public let expiresAt: Date

  private enum CodingKeys: String, CodingKey {
    case environment
    case sessionID = "session_id"
    case tenantID = "tenant_id"
    case dashboardID = "dashboard_id"
    case createdAt = "created_at"
    case expiresAt = "expires_at"
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    sessionID = try container.decode(String.self, forKey: .sessionID)
    tenantID = try container.decode(String.self, forKey: .tenantID)
    dashboardID = try container.decode(String.self, forKey: .dashboardID)
    environment = try container.decode(String.self, forKey: .environment)
    createdAt = try container.date(.createdAt)
    expiresAt = try container.date(.expiresAt)
  }
}

/// What the holder of a guest token may do; nil leaves a permission at its default.
public struct EmbanGuestPermissions: Sendable, Hashable, Codable {
  /// Widgets of its own.
  public var isEnableManageMetrics: Bool?
  /// A layout of its own.
  public var isEnableCustomizeLayout: Bool?
  /// The events behind a number.
  public var isEnableUnderlyingData: Bool?
  /// Export.
  public var isEnableDownloadMetrics: Bool?

  public init(
    manageMetrics: Bool? = nil, customizeLayout: Bool? = nil, underlyingData: Bool? = nil, downloadMetrics: Bool? = nil
  ) {
    isEnableManageMetrics = manageMetrics
    isEnableCustomizeLayout = customizeLayout
    isEnableUnderlyingData = underlyingData
    isEnableDownloadMetrics = downloadMetrics
  }
}

/// A guest token, for `token` of `<dbn-dashboard>`. Descriptions leave it out.
public struct EmbanGuestToken: Sendable, Hashable, Decodable {
  public let token: String
  public let expiresAt: Date

  private enum CodingKeys: String, CodingKey { case token, expiresAt }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    token = try container.decode(String.self, forKey: .token)
    expiresAt = try container.date(.expiresAt)
  }
}

extension EmbanGuestToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "EmbanGuestToken(until \(EmbanTime.text(expiresAt)))" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["expiresAt": expiresAt]) }
}
