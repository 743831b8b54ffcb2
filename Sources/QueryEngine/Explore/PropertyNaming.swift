internal import Domain

/// What the name of a property or event says about it: words for titles, the kind of a number.
enum PropertyNaming {
  /// How a number is best summed up and written.
  enum Quantity: Equatable {
    case duration(unit: String)
    case currency(code: String)
    case bytes
    case percent
    /// Neither sums nor counts: ratios, scores, temperatures.
    case level
    case amount
  }

  private static let acronyms: Set<String> = [
    "ai", "api", "cpu", "csv", "db", "gpu", "html", "http", "https", "id", "io", "ip", "json", "llm", "ml", "os", "pdf", "ram", "rpc",
    "sdk",
    "sku", "sms", "sql", "ssh", "ui", "uri", "url", "ux",
  ]
  private static let durationWords: Set<String> = ["latency", "duration", "elapsed", "delay", "runtime", "ttfb", "ttft"]
  private static let durationUnits = ["ms": "ms", "millis": "ms", "milliseconds": "ms", "s": "s", "sec": "s", "secs": "s", "seconds": "s"]
  private static let currencies = ["usd": "USD", "eur": "EUR", "gbp": "GBP", "chf": "CHF", "jpy": "JPY"]
  private static let moneyWords: Set<String> = ["cost", "costs", "price", "revenue", "amount", "spend", "fee", "mrr", "arr"]
  private static let byteWords: Set<String> = ["bytes", "byte"]
  private static let percentWords: Set<String> = ["pct", "percent", "percentage"]
  private static let levelWords: Set<String> = ["rate", "ratio", "score", "temperature", "rating", "load", "utilization", "level", "age"]

  /// The words of a name in lower case: `api.call` → api, call; `ContextTokens` → context, tokens; `HTTPStatus` → http, status.
  static func words(_ name: String) -> [String] {
    var words: [String] = []
    var word = ""
    let characters = Array(name)
    for (index, character) in characters.enumerated() {
      guard character.isLetter || character.isNumber else {
        words.append(word)
        word = ""
        continue
      }
      let next = index + 1 < characters.count ? characters[index + 1] : nil
      let previous = index > 0 ? characters[index - 1] : nil
      let begins = character.isUppercase && (previous?.isUppercase != true || next?.isLowercase == true)
      if begins {
        words.append(word)
        word = ""
      }
      word += character.lowercased()
    }
    words.append(word)
    return words.filter { !$0.isEmpty }
  }

  /// `api_call` → `API call`.
  static func title(_ words: [String]) -> String {
    let shown = words.enumerated().map { index, word in
      acronyms.contains(word) ? word.uppercased() : index == 0 ? word.prefix(1).uppercased() + word.dropFirst() : word
    }
    return shown.joined(separator: " ")
  }

  /// `Latency` as it stands within a sentence: `latency`, but `API`.
  static func phrase(_ words: [String]) -> String {
    words.map { acronyms.contains($0) ? $0.uppercased() : $0 }.joined(separator: " ")
  }

  static func title(of name: String) -> String {
    let title = title(words(name))
    return title.isEmpty ? name : title
  }

  /// What the events are called when they are counted: `api.call` → `API calls`, `user.signed_up` → `User signed up`.
  static func plural(ofEvent name: String) -> String {
    let words = words(name)
    guard let last = words.last else { return name }
    let verbal =
      ["ed", "ing", "s"].contains { last.hasSuffix($0) } || ["up", "in", "out", "on", "off", "sent", "made", "paid"].contains(last)
    let title = title(words)
    if verbal || last.contains(where: \.isNumber) { return title }
    if last.hasSuffix("y"), let before = last.dropLast().last, !"aeiou".contains(before) { return title.dropLast() + "ies" }
    return title + (["ch", "sh", "x", "z"].contains { last.hasSuffix($0) } ? "es" : "s")
  }

  /// What a numeric property measures, and its name without the unit.
  static func quantity(of name: String) -> (quantity: Quantity, words: [String]) {
    var words = words(name)
    let last = words.last ?? ""
    func withoutUnit() -> [String] { words.count > 1 ? Array(words.dropLast()) : words }
    if let unit = durationUnits[last], words.count > 1 || last.count > 2 { return (.duration(unit: unit), withoutUnit()) }
    if let code = currencies[last] { return (.currency(code: code), withoutUnit()) }
    if byteWords.contains(last) { return (.bytes, words.count > 1 ? words : ["bytes"]) }
    if percentWords.contains(last) { return (.percent, withoutUnit()) }
    if words.contains(where: durationWords.contains) { return (.duration(unit: "ms"), words) }
    if words.contains(where: moneyWords.contains) { return (.currency(code: "USD"), words) }
    if words.contains(where: levelWords.contains) { return (.level, words) }
    if words.isEmpty { words = [name] }
    return (.amount, words)
  }
}
