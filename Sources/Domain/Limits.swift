/// Every limit of the program that a user can meet, in one place. Sizes are bytes unless the name says otherwise.
public enum Limits {
  // Requests
  public static let bodyBytes = 1_048_576
  /// For routes that anybody may call: a body is held in memory before anything is known about its sender.
  public static let publicBodyBytes = 16_384
  /// How many problems of one request an answer lists.
  public static let listedProblems = 100
  public static let eventsBodyBytes = 8_388_608
  public static let textLength = 2_000
  public static let pageSize = 50
  public static let maximumPageSize = 200

  // Events
  public static let eventsPerRequest = 1_000
  public static let tenantIDLength = 256
  public static let eventNameLength = 256
  public static let eventIDLength = 256
  public static let userIDLength = 256
  public static let propertyNameLength = 128
  public static let propertiesPerEvent = 100
  public static let propertyValueLength = 4_096
  /// How far ahead of the server's clock an event may be, in milliseconds.
  public static let timestampAheadMilliseconds: Int64 = 24 * 3_600_000
  /// For how many days an organisation may have its events kept.
  public static let retentionDays = 1...3_650
  /// How many rejected events an answer lists.
  public static let listedRejections = 100

  // Dashboards
  public static let widgetsPerDashboard = 100
  public static let filtersPerDashboard = 30
  public static let nameLength = 200
  public static let slugLength = 100
  public static let gridColumns = 12
  public static let gridRows = 1_000
  public static let paletteColors = 24

  // Queries
  public static let queryFilters = 20
  public static let filterValues = 500
  public static let rows = 1_000
  public static let breakdownRows = 10
  public static let tableRows = 50
  public static let series = 8
  public static let maximumSeries = 50
  public static let buckets = 2_000
  public static let filterValueRows = 50
  public static let maximumFilterValueRows = 500
  /// How many values of its second dimension a table with two of them shows.
  public static let pivotColumns = 12
  public static let drillRows = 100
  /// How many levels of a drill-down may be open at once, beside the last.
  public static let drillFilters = 10
  /// How many properties a CSV file of events may have.
  public static let exportColumns = 2_000
  /// The most that one view request answers, all widgets together.
  public static let viewBytes = 16_777_216

  // SQL that people write; `schema/clickhouse/access.sql` holds the same numbers
  public static let sqlLength = 65_536
  public static let sqlRows = 10_000
  public static let sqlAnswerBytes = 16_777_216
  /// Unless `EMBAN_SQL_SECONDS` says otherwise.
  public static let sqlSeconds = 30
  public static let sqlReadRows = 1_000_000_000
  /// The memory of one statement, and of all of an environment; on small machines less.
  public static let sqlStatementBytes: Int64 = 2_000_000_000
  public static let sqlReaderBytes: Int64 = 3_000_000_000
  /// Of one organisation, and of all: in each process.
  public static let sqlAtOnce = 4
  public static let sqlAtOnceInAll = 16
  /// How many properties have columns of their own in a dataset.
  public static let datasetProperties = 400

  // Embed sessions
  public static let embedSeconds = 60...86_400
  public static let defaultEmbedSeconds = 3_600
  public static let allowedOrigins = 50
  public static let contextEntries = 50
  /// Of a session's context as JSON.
  public static let contextBytes = 8_192
  /// How many requests of one session are answered at once, and how many more in each second.
  public static let sessionBurst = 1_000
  public static let sessionRequestsPerSecond = 100

  // Data apps
  /// Of an organisation.
  public static let dataApps = 500
  public static let dashboardsPerDataApp = 100
  public static let dataAppNameLength = 100

  // People
  /// Of an organisation, at a time.
  public static let openInvites = 100
  /// How many organisations one person may own.
  public static let ownedOrganizations = 20
  /// How many seconds an invite, a link to set a forgotten password that was mailed, and one that an operator made can be used.
  public static let inviteSeconds = 604_800
  public static let resetSeconds = 3_600
  public static let operatorResetSeconds = 86_400
  /// How many console sessions of one person are kept.
  public static let consoleSessions = 100
  /// How long after its beginning a console session ends whatever is done in it, in seconds.
  public static let consoleSessionSeconds = 15_552_000
  /// Of what a browser calls itself, as a list of sessions shows it.
  public static let userAgentLength = 300
  /// How many days one answer about usage may span.
  public static let usageDays = 400

  // What viewers keep
  /// How many widgets of their own a viewer may have on a dashboard.
  public static let ownWidgets = 20
  /// Of one of them as JSON.
  public static let ownWidgetBytes = 8_192
  /// How many widgets a viewer's layout may place.
  public static let layoutPositions = 200
  /// Of a layout as a request sends it.
  public static let layoutBytes = 65_536

  // Live updates: streams that are open at a time
  public static let liveStreams = 1_000
  public static let liveStreamsPerTenant = 200
  public static let liveStreamsPerSession = 6
  /// Streams that tell nothing but the end of their session.
  public static let sessionStreams = 5_000
  public static let sessionStreamsPerTenant = 1_000
  public static let sessionStreamsPerSession = 12
}
