public import ClickHouse
public import Domain

/// A SELECT that somebody wrote.
///
/// What is looked at here makes for friendly errors, and keeps away from a few functions that tell about the machine or never end. That
/// nothing foreign is read does not depend on it but on the database alone (docs/adr/0013-ad-hoc-sql.md); the tests run the same attacks
/// past it.
public struct AdHocStatement: Sendable, Hashable {
  /// As it was written, without a semicolon at the end.
  public let text: String

  private static let prefix = "SELECT * FROM (\n"

  /// The statement as it is sent. Within the brackets only a SELECT can stand, and the server itself refuses everything else.
  public var sql: SQL { SQL(trusted: "\(Self.prefix)\(AdHocTimes.rewritten(SQLTokens.plain(text)))\n) LIMIT \(Limits.sqlRows + 1)") }

  /// How many bytes of ``sql`` come before ``text``.
  static var bytesBefore: Int { prefix.utf8.count }

  /// The columns of properties that it names, such as `string_props.model`.
  public var properties: Set<String> {
    let tokens = SQLTokens.read(text)
    var found: Set<String> = []
    for (index, token) in tokens.enumerated() where token.kind == .word || token.kind == .quoted {
      for column in [PropertyPath.Column.stringProps, .numericProps].map(\.rawValue) {
        if token.kind == .quoted, token.value.hasPrefix(column + ".") { found.insert(token.value) }
        guard token.value == column else { continue }
        var name = column
        var next = index + 1
        // Beyond the longest name of a column it is none.
        while name.utf8.count <= 4 * Limits.propertyNameLength, next + 1 < tokens.count, tokens[next].kind == .sign(UInt8(ascii: ".")),
          [.word, .quoted].contains(tokens[next + 1].kind)
        {
          name += "." + tokens[next + 1].value
          next += 2
        }
        if name != column { found.insert(name) }
      }
    }
    return found
  }

  /// - Throws: ``AppError`` 422 `sql_not_allowed` or `sql_invalid`, with the position.
  public init(_ text: String) throws(AppError) {
    self.text = try AdHocCheck(text).checked()
  }
}

/// The look at a statement before it is sent: a list of named steps, of which the first that objects is told.
struct AdHocCheck {
  private let text: String
  private let tokens: [SQLTokens.Token]
  /// The last token but for semicolons.
  private let last: Int?

  init(_ text: String) {
    self.text = text
    tokens = SQLTokens.read(text)
    last = tokens.lastIndex { $0.kind != .sign(UInt8(ascii: ";")) }
  }

  func checked() throws(AppError) -> String {
    try isClosed()
    try isOne()
    try isSelect()
    try isBalanced()
    try hasNoClauses()
    try readsEventsOnly()
    try callsNoServerFunctions()
    return withoutSemicolon
  }

  // MARK: Steps

  private func isClosed() throws(AppError) {
    if let zero = text.utf8.enumerated().first(where: { $0.element == 0 }) {
      throw invalid("The character NUL cannot stand in SQL.", zero.offset)
    }
    if let open = tokens.first(where: { $0.kind == .unclosed }) {
      throw invalid("A text, quoted name or comment begins here and does not end.", open.range.lowerBound)
    }
    if let strange = tokens.first(where: { $0.kind == .strange }) {
      throw invalid("\(strange.value) cannot stand here; names with such letters stand between backticks.", strange.range.lowerBound)
    }
  }

  private func isOne() throws(AppError) {
    guard let first = tokens.firstIndex(where: { $0.kind == .sign(UInt8(ascii: ";")) }) else { return }
    if let next = tokens[first...].first(where: { $0.kind != .sign(UInt8(ascii: ";")) }) {
      throw refused("Only one statement can be run at a time.", next)
    }
  }

  private func isSelect() throws(AppError) {
    guard let first = tokens.first(where: { ![.sign(UInt8(ascii: "(")), .sign(UInt8(ascii: ";"))].contains($0.kind) }) else {
      throw invalid("There is no statement: write a SELECT.", 0)
    }
    guard first.kind == .word, ["select", "with"].contains(first.value.lowercased()) else {
      throw refused("A statement begins with SELECT or WITH; others are not run here.", first)
    }
  }

  private func isBalanced() throws(AppError) {
    var open: [SQLTokens.Token] = []
    for token in tokens {
      switch token.kind {
      case .sign(UInt8(ascii: "(")): open.append(token)
      case .sign(UInt8(ascii: ")")):
        guard !open.isEmpty else { throw invalid("This bracket closes none.", token.range.lowerBound) }
        open.removeLast()
      default: continue
      }
    }
    if let last = open.last { throw invalid("This bracket is not closed.", last.range.lowerBound) }
  }

  private func hasNoClauses() throws(AppError) {
    for (index, token) in tokens.enumerated() where token.kind == .word && !isMember(index) {
      switch token.value.lowercased() {
      case "settings" where isName(index + 1) && isSign(index + 2, "="):
        throw refused("SETTINGS cannot be given: limits are the same for everybody.", token)
      case "outfile" where word(index - 1) == "into":
        throw refused("INTO OUTFILE is not available; take the answer as CSV or JSON instead.", token)
      case "format" where index + 1 == last && index > 0 && word(index + 1) != nil && word(index - 1) != "as":
        throw refused("FORMAT cannot be given: the answer is always JSON.", token)
      case "explain" where isSign(index - 1, "("):
        throw refused("EXPLAIN is not available.", token)
      default: continue
      }
    }
  }

  /// The names after FROM and JOIN, and those of table functions anywhere.
  private func readsEventsOnly() throws(AppError) {
    for (index, token) in tokens.enumerated() where token.kind == .word || token.kind == .quoted {
      guard !isMember(index) else { continue }
      let name = token.value.lowercased()
      let isSource = ["from", "join"].contains(word(index - 1) ?? "") || isSign(index - 1, ",")
      if isSign(index + 1, "("), token.isEscaped || Self.tableFunctions.contains(name), isSource || !Self.alsoScalar.contains(name) {
        throw refused("The table function \(token.value) is not available: statements read the table events.", token)
      }
      // `x IN system.one` names a table as well.
      if isSource || word(index - 1) == "in", isSign(index + 1, "."),
        token.isEscaped || ["system", "information_schema", "emban"].contains(name)
      {
        throw refused("Only the table events can be read.", token)
      }
    }
  }

  private func callsNoServerFunctions() throws(AppError) {
    for (index, token) in tokens.enumerated() where token.kind == .word || token.kind == .quoted {
      let name = token.value.lowercased()
      guard token.isEscaped || Self.serverFunctions.contains(name) || Self.serverPrefixes.contains(where: { name.hasPrefix($0) }) else {
        continue
      }
      let isApplied = word(index - 1) == "apply" || (isSign(index - 1, "(") && word(index - 2) == "apply")
      if isSign(index + 1, "(") || isApplied { throw refused("The function \(token.value) is not available.", token) }
    }
  }

  // MARK: Looking around

  private func word(_ index: Int) -> String? {
    tokens.indices.contains(index) && tokens[index].kind == .word ? tokens[index].value.lowercased() : nil
  }

  private func isName(_ index: Int) -> Bool {
    tokens.indices.contains(index) && [.word, .quoted].contains(tokens[index].kind)
  }

  private func isSign(_ index: Int, _ sign: Character) -> Bool {
    tokens.indices.contains(index) && tokens[index].kind == .sign(sign.asciiValue ?? 0)
  }

  /// Whether the name is the second half of `a.b`.
  private func isMember(_ index: Int) -> Bool { isSign(index - 1, ".") }

  private var withoutSemicolon: String {
    guard let first = tokens.first(where: { $0.kind == .sign(UInt8(ascii: ";")) }) else { return text }
    return String(decoding: Array(text.utf8)[..<first.range.lowerBound], as: UTF8.self)
  }

  private func refused(_ sentence: String, _ token: SQLTokens.Token) -> AppError {
    .sql("sql_not_allowed", sentence, text, byte: token.range.lowerBound)
  }

  private func invalid(_ sentence: String, _ byte: Int) -> AppError { .sql("sql_invalid", sentence, text, byte: byte) }

  // MARK: Names

  /// Of ClickHouse 25.8 (`system.table_functions`), and of later versions as far as they are known.
  private static let tableFunctions: Set<String> = [
    "arrowflight", "azureblobstorage", "azureblobstoragecluster", "cluster", "clusterallreplicas", "cosn", "deltalake", "deltalakeazure",
    "deltalakecluster", "deltalakelocal", "deltalakes3", "dictionary", "executable", "file", "filecluster", "filesystem", "format",
    "fuzzjson", "fuzzquery", "gcs", "generate_series", "generaterandom", "generateseries", "hdfs", "hdfscluster", "hive", "hudi",
    "hudicluster", "iceberg", "icebergazure", "icebergazurecluster", "icebergcluster", "iceberghdfs", "iceberghdfscluster", "iceberglocal",
    "icebergs3", "icebergs3cluster", "input", "jdbc", "loop", "merge", "mergetreeanalyzeindexes", "mergetreeindex", "mergetreeparts",
    "mergetreeprojection", "mergetreetextindex", "mongodb", "mysql", "null", "numbers", "numbers_mt", "odbc", "oss", "paimon", "postgresql",
    "prometheusquery", "prometheusqueryrange", "redis", "remote", "remotesecure", "s3", "s3cluster", "sqlite", "timeseriesdata",
    "timeseriesmetrics", "timeseriesselector", "timeseriestags", "url", "urlcluster", "values", "view", "viewexplain", "viewifpermitted",
    "ytsaurus", "zeros", "zeros_mt",
  ]
  /// Names of functions of values, too.
  private static let alsoScalar: Set<String> = ["file", "format"]

  /// They tell about the machine and the server, reach out of it, wait, write to its log, or tell how the store keeps rows, which depends
  /// on what lies beside (`dumpColumnStructure`). No grant of ClickHouse forbids them; none of them knows a row.
  private static let serverFunctions: Set<String> = [
    "blockserializedsize", "buildid", "catboostevaluate", "chdb", "connection_id", "connectionid", "currentdatabase", "currentprofiles",
    "currentquery_id", "currentqueryid",
    "currentroles", "currentschemas", "currentuser", "current_database", "current_query_id", "current_schemas", "current_user", "database",
    "defaultprofiles", "defaultroles", "displayname", "dumpcolumnstructure", "enabledprofiles", "enabledroles", "evalmlmethod", "file",
    "filesystemavailable",
    "filesystemcapacity", "filesystemunreserved", "flamegraph", "fqdn", "fullhostname", "generateserialid", "getclienthttpheader",
    "getmacro",
    "getmaxtablenamelengthfordatabase", "getmergetreesetting", "getoskernelversion", "getserverport", "getserversetting", "getsetting",
    "getsettingordefault", "globalvariable", "hascolumnintable", "hasthreadfuzzer", "hostname", "indexhint", "initial_query_id",
    "initialqueryid",
    "isdynamicelementinshareddata", "jsondynamicpaths", "jsondynamicpathswithtypes", "jsonshareddatapaths", "jsonshareddatapathswithtypes",
    "logtrace", "lowcardinalityindices", "lowcardinalitykeys",
    "partitionid", "query_id", "queryid", "queryuser", "query_user", "reversednsquery", "revision", "schema", "servertimezone",
    "serveruuid",
    "shardcount", "shardnum", "showcertificate", "sleep", "sleepeachrow", "system_user", "tcpport", "tid", "transactionid",
    "transactionlatestsnapshot",
    "transactionoldestsnapshot", "uptime", "user", "version", "zookeepersessionuptime",
  ]
  private static let serverPrefixes = [
    "__", "ai", "dict", "joinget", "regionto", "regionin", "regionhierarchy", "addressto", "demangle", "llm",
  ]
}

extension AppError {
  /// 422 for a statement, with the place in it that is meant, as `position`; null where nobody knows.
  static func sql(_ code: String, _ sentence: String, _ text: String, byte: Int?, cause: String? = nil) -> AppError {
    var error = AppError(status: 422, code: code, message: sentence, cause: cause)
    error.details = [FieldProblem(field: "sql", code: code, expected: sentence)]
    error.extra["position"] = byte.map { TextPosition(text, byte: $0).json } ?? .null
    return error
  }
}
