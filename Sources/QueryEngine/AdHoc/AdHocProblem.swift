public import ClickHouse
public import Domain

/// What the database says about somebody's statement, in words for whoever wrote it: sentences of our own, with names only that stand in
/// the statement. The database's text holds names of hosts, users, tables and other things that are nobody's business; it goes to the log.
public struct AdHocProblem {
  private let exception: ClickHouseException
  private let statement: AdHocStatement
  private let columns: [String]
  private let seconds: Int

  /// - Parameters:
  ///   - columns: names that may be suggested.
  ///   - seconds: how long a statement may take.
  public init(_ exception: ClickHouseException, of statement: AdHocStatement, columns: [String], seconds: Int = Limits.sqlSeconds) {
    self.exception = exception
    self.statement = statement
    self.columns = columns
    self.seconds = seconds
  }

  /// Whether the reader is not as it was made: it, its view or its password is gone.
  public var isAboutReader: Bool {
    switch exception.code {
    case 516, 192, 194, 193: true
    // Not every database that somebody writes.
    case 81: exception.message.contains(SQLReader.prefix)
    case 60: named(after: "identifier '").map { $0 == "events" } ?? false
    default: false
    }
  }

  public var appError: AppError {
    let cause = "ClickHouse exception \(exception.code): \(exception.message)"
    switch exception.code {
    case 62: return syntax(cause)
    case 159, 160, 209:
      return .sql(
        "sql_too_slow", "The statement was stopped after \(seconds) seconds; a shorter time range or fewer groups may help.",
        statement.text,
        byte: nil, cause: cause)
    case 158, 307:
      return .sql(
        "sql_too_large", "The statement reads more than \(Self.grouped(Limits.sqlReadRows)) rows; a shorter time range helps.",
        statement.text, byte: nil,
        cause: cause)
    case 241, 173, 243, 396, 191:
      return .sql(
        "sql_too_large", "The statement needs more memory than it may have; fewer groups, columns or a smaller join may help.",
        statement.text, byte: nil,
        cause: cause)
    case 202, 201:
      return AppError(
        status: 429, code: "sql_busy", message: "Too many statements of this organization run at this moment.", retryAfter: 2, cause: cause)
    case 497, 164, 452, 291, 481, 446:
      return .sql(
        "sql_not_allowed",
        "The statement does more than reading the table events: other tables, table functions and settings are not available.",
        statement.text, byte: nil, cause: cause)
    default:
      let (sentence, name) = self.sentence
      return .sql("sql_invalid", sentence, statement.text, byte: name.flatMap(place), cause: cause)
    }
  }

  // MARK: - Syntax

  private func syntax(_ cause: String) -> AppError {
    let size = statement.text.utf8.count
    guard let number = number(after: "failed at position ") else {
      return .sql("sql_invalid", "This is not valid SQL.", statement.text, byte: nil, cause: cause)
    }
    let byte = number - 1 - AdHocStatement.bytesBefore
    guard byte >= 0, byte < size else {
      return .sql(
        "sql_invalid", byte >= size ? "The statement ends too early." : "This is not valid SQL: a bracket may be missing.", statement.text,
        byte: max(0, min(byte, size)), cause: cause)
    }
    let near = SQLTokens.read(statement.text).first { $0.range.upperBound > byte }.map { $0.value.prefix(40) } ?? ""
    return .sql("sql_invalid", "Syntax error near \(near).", statement.text, byte: byte, cause: cause)
  }

  // MARK: - Meaning

  /// A sentence, and the name in the statement that it is about.
  private var sentence: (String, String?) {
    if [43, 44, 53, 386].contains(exception.code), let name = unknownProperty {
      return ("There is no column \(name).\(suggestion(name))", name)
    }
    switch exception.code {
    case 47:
      let name = named(after: "identifier `") ?? named(after: "Identifier '") ?? named(after: "identifier '")
      return (name.map { "There is no column \($0).\(suggestion($0))" } ?? "A column is not there.", name)
    case 60, 81:
      let name = named(after: "identifier '") ?? named(after: "Table ")
      return (name.map { "There is no table \($0); there is one, events." } ?? "A table is not there; there is one, events.", name)
    case 46, 63:
      let name = named(after: "name `") ?? named(after: "name '") ?? named(after: "function ")
      return (name.map { "There is no function \($0)." } ?? "A function is not there.", name)
    case 53 where exception.message.contains("Cannot convert string '"): return (Self.conversion, nil)
    case 43, 44, 70, 53, 386:
      let name =
        named(after: "of function ") ?? named(after: "for function ") ?? named(after: "aggregate function ") ?? named(after: "function ")
      return (
        name.map { "The function \($0) does not take values of these types; convert them, e.g. with toString(x) or toFloat64(x)." }
          ?? "The types of values do not fit each other; convert them, e.g. with toString(x) or toFloat64(x).", name
      )
    case 42, 35, 34:
      let name = named(after: "unction ")
      return (name.map { "The function \($0) takes another number of arguments." } ?? "A function takes another number of arguments.", name)
    case 215:
      let column = named(after: "Column '")?.split(separator: ".").drop { $0.hasPrefix("emban_sql_") || $0 == "events" }.joined(
        separator: ".")
      return (
        column.map { "\($0) must be in GROUP BY, or inside of an aggregate such as any(…)." }
          ?? "A column must be in GROUP BY, or inside of an aggregate.", column
      )
    case 184: return ("An aggregate such as count() cannot stand here: not in WHERE, and not inside of another aggregate.", nil)
    case 6, 27, 32, 38, 41, 69, 72, 117, 130, 131, 349, 407, 675:
      return (Self.conversion, nil)
    case 153: return ("There is a division by zero.", nil)
    case 125: return ("A subquery in place of a value gives more than one row.", nil)
    case 179, 207, 352, 206:
      let name = named(after: "alias ") ?? named(after: "identifier '") ?? named(after: "Identifier '")
      return (
        name.map { "The name \($0) can mean more than one thing; give one of them another name." }
          ?? "A name can mean more than one thing.", name
      )
    case 50:
      let name = named(after: "family: ")
      return (name.map { "There is no type \($0)." } ?? "A type is not there.", name)
    case 456, 457: return ("Placeholders such as {name:String} cannot be used here.", nil)
    case 440: return ("LIMIT takes whole numbers from 0 on.", nil)
    case 395: return ("A throwIf(…) of the statement was fulfilled.", nil)
    case 306, 167, 168, 161: return ("The statement is nested too deep or too long.", nil)
    case 48, 344: return ("This is not supported.", nil)
    default: return ("The statement cannot be run as it is.", nil)
    }
  }

  /// A property without a column: ClickHouse reads it as a path of the JSON that no event has, and objects to what is done with it.
  private var unknownProperty: String? { statement.properties.subtracting(columns).min() }

  private static let conversion =
    "A value could not be converted. Functions such as toInt64OrNull(x) give NULL instead; times are written '2026-01-31 00:00:00'."

  /// `Did you mean string_props.model?`
  private func suggestion(_ name: String) -> String {
    let wanted = name.lowercased()
    let last = wanted.split(separator: ".").last.map(String.init) ?? wanted
    let meant =
      columns.first { $0.lowercased() == wanted } ?? columns.first { $0.lowercased().hasSuffix("." + last) }
      ?? columns.map { ($0, Self.distance(last, $0.lowercased())) }.filter { $0.1 <= max(1, last.count / 3) }.min { $0.1 < $1.1 }?.0
    return meant.map { " Did you mean \($0)?" } ?? ""
  }

  // MARK: - Reading the database's text

  /// The name that follows a phrase, if the statement itself holds it.
  private func named(after phrase: String) -> String? {
    guard let start = exception.message.firstRange(of: phrase) else { return nil }
    let rest = exception.message[start.upperBound...].drop { $0 == "`" || $0 == "'" }
    let name = String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }.prefix(200)).trimmingDots
    let simple = name.split(separator: ".").last.map(String.init) ?? name
    guard !name.isEmpty, statement.text.contains(simple) else { return nil }
    return statement.text.contains(name) ? name : exception.code == 215 ? name : simple
  }

  private func number(after phrase: String) -> Int? {
    exception.message.firstRange(of: phrase).flatMap { Int(exception.message[$0.upperBound...].prefix(while: \.isNumber)) }
  }

  /// Where a name stands in the statement.
  private func place(_ name: String) -> Int? {
    let parts = name.split(separator: ".").map { $0.lowercased() }
    guard let last = parts.last else { return nil }
    let tokens = SQLTokens.read(statement.text)
    let whole = tokens.firstIndex { $0.kind == .quoted && $0.value.lowercased() == name.lowercased() }
    if let whole { return tokens[whole].range.lowerBound }
    guard let found = tokens.firstIndex(where: { [.word, .quoted].contains($0.kind) && $0.value.lowercased() == last }) else { return nil }
    // `a.b` begins with a.
    let first = found - 2 * (parts.count - 1)
    if first >= 0, tokens[first].value.lowercased() == parts[0] { return tokens[first].range.lowerBound }
    return tokens[found].range.lowerBound
  }

  private static func grouped(_ number: Int) -> String {
    var text = String(number)
    var place = text.count - 3
    while place > 0 {
      text.insert(",", at: text.index(text.startIndex, offsetBy: place))
      place -= 3
    }
    return text
  }

  /// How many letters have to be changed, put in or taken out.
  private static func distance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left), Array(right))
    var row = Array(0...right.count)
    for (i, letter) in left.enumerated() {
      var previous = row[0]
      row[0] = i + 1
      for (j, other) in right.enumerated() {
        let changed = previous + (letter == other ? 0 : 1)
        previous = row[j + 1]
        row[j + 1] = min(changed, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[right.count]
  }
}

extension String {
  fileprivate var trimmingDots: String {
    var slice = self[...]
    while slice.last == "." { slice.removeLast() }
    while slice.first == "." { slice.removeFirst() }
    return String(slice)
  }
}
