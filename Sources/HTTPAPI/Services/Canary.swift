import Domain
import Ingest
import QueryEngine

/// A made-up customer whose events answer every widget of one dashboard, with names and numbers that no other customer has.
struct Canary: Sendable {
  let tenant: TenantID
  /// Stands in every text of its events that the dashboard's filters leave open.
  let mark: String
  let events: [Event]
  /// Every text that an answer may show: what stands in its events.
  let texts: Set<String>

  /// What a widget looks at, and when.
  struct Subject: Sendable {
    let query: WidgetQuery
    let time: ResolvedTime
  }

  /// - Parameters:
  ///   - config: resolved by this customer's own context.
  ///   - subjects: the widgets that can be planned.
  ///   - number: the measured value where filters leave it open; far from that of the other canary, and a power of two, which approximate
  ///     percentiles keep.
  ///   - copies: how many events there are of each kind; another number than the other canary has.
  init(_ config: DashboardConfig, subjects: [Subject], tenant: TenantID, mark: String, number: Double, copies: Int, now: Instant) {
    self.tenant = tenant
    self.mark = mark
    let dimensions = Self.dimensions(of: config)
    let properties = Self.properties(of: config)
    var kinds: [Kind: Set<Instant>] = [:]
    for subject in subjects {
      let filters = subject.query.filters + config.fixedFilters.map(QueryFilter.soft)
      kinds[Kind(eventName: subject.query.eventName, filters: filters), default: []]
        .formUnion(Self.moments(of: subject.time, now: now))
    }
    var events: [Event] = []
    for (kind, moments) in kinds {
      for moment in moments {
        for copy in 1...copies {
          let draft = Draft(kind: kind, mark: Self.text(mark, copy), number: number)
          guard let event = draft.event(tenant, at: moment, dimensions: dimensions, properties: properties) else { continue }
          events.append(event)
        }
      }
    }
    self.events = events
    texts = Set(events.flatMap { [$0.eventName, $0.userID ?? ""] + $0.stringProps.values })
  }

  /// The open texts of the events of one copy.
  static func text(_ mark: String, _ copy: Int) -> String { "\(mark)-\(copy)" }

  /// One kind of event that a widget counts.
  private struct Kind: Hashable {
    let eventName: String?
    let filters: [QueryFilter]
  }

  /// Now (or as late as the span allows), in the middle, and at the end of the span before: where rows of today, rows that were counted in
  /// advance and rows of the comparison would be.
  private static func moments(of time: ResolvedTime, now: Instant) -> Set<Instant> {
    func middle(_ range: TimeRange) -> Instant { range.from.adding(milliseconds: range.milliseconds / 2) }
    var moments: Set<Instant> = []
    let elapsed = time.elapsed.from < time.elapsed.to ? time.elapsed : time.range
    if elapsed.from < elapsed.to {
      moments.insert(middle(elapsed))
      moments.insert(elapsed.from <= now && now < elapsed.to ? now : elapsed.to.adding(milliseconds: -1))
    }
    if let previous = time.previous, previous.from < previous.to { moments.insert(previous.to.adding(milliseconds: -1)) }
    return moments
  }

  /// Every dimension that the dashboard groups, filters or counts by.
  private static func dimensions(of config: DashboardConfig) -> Set<Dimension> {
    let queries = config.widgets.compactMap(\.query)
    let filtered = queries.flatMap(\.filters).compactMap(\.text?.dimension)
    return Set(
      config.exposedDimensions + config.fixedFilters.map(\.dimension) + filtered + queries.compactMap(\.uniqueProp).map(Dimension.init))
  }

  /// Every number that it measures or filters by.
  private static func properties(of config: DashboardConfig) -> Set<String> {
    let queries = config.widgets.compactMap(\.query)
    let filtered = queries.flatMap(\.filters).compactMap { filter -> String? in
      if case .numeric(let property, _) = filter { property } else { nil }
    }
    let offered = config.filters.compactMap { filter -> String? in
      if case .numericRange(let property) = filter.control { property } else { nil }
    }
    return Set(queries.flatMap { [$0.numericProp, $0.secondNumericProp].compactMap(\.self) } + filtered + offered)
  }

  /// The events of one kind, with everything that its filters ask for.
  private struct Draft {
    let kind: Kind
    /// What stands where the filters leave a text open.
    let mark: String
    let number: Double

    /// Nil when no event can pass the filters.
    func event(_ tenant: TenantID, at moment: Instant, dimensions: Set<Dimension>, properties: Set<String>) -> Event? {
      guard let name = text(of: .eventName), kind.eventName == nil || kind.eventName == name, let user = text(of: .userID) else {
        return nil
      }
      var event = Event(tenantID: tenant, eventName: name, timestamp: moment, userID: user)
      for case .property(let property) in dimensions {
        guard let text = text(of: .property(property)) else { return nil }
        event.stringProps[property] = text
      }
      for property in properties {
        guard let number = number(of: property) else { return nil }
        event.numericProps[property] = number
      }
      return event
    }

    private func text(of dimension: Dimension) -> String? {
      var choices: [String]?
      var refused: Set<String> = []
      var parts: [String] = []
      if dimension == .eventName, let name = kind.eventName { choices = [name] }
      for (subject, condition, values) in kind.filters.compactMap(\.text) where subject == dimension {
        switch condition {
        case .equal, .isIn: choices = choices.map { $0.filter(values.contains) } ?? values
        case .notEqual, .isNotIn: refused.formUnion(values)
        case .contains: parts += values.prefix(1)
        }
      }
      return (choices ?? [([mark] + parts).joined(separator: " ")]).first { choice in
        !refused.contains(choice) && parts.allSatisfy { choice.lowercased().contains($0.lowercased()) }
      }
    }

    private func number(of property: String) -> Double? {
      var low = -Double.infinity
      var high = Double.infinity
      for case .numeric(property, let condition) in kind.filters {
        switch condition {
        case .atLeast(let bound): low = max(low, bound)
        case .atMost(let bound): high = min(high, bound)
        case .between(let from, let to): (low, high) = (max(low, from), min(high, to))
        }
      }
      return low > high ? nil : min(max(number, low), high)
    }
  }
}

extension DashboardConfig {
  /// Whether all names and values that the dashboard asks by are read alike by everybody: visible ASCII without quotes. The event store, Swift
  /// and CSV have their own minds about accents in two spellings, the case of letters beyond ASCII, and empty cells; what such texts find is
  /// not foretold, so that nobody's dashboard is refused for its spelling. Another customer's marks are looked for all the same.
  var hasPlainTexts: Bool {
    let queries = widgets.compactMap(\.query)
    var texts = exposedDimensions.map(\.name) + fixedFilters.map(\.dimension.name)
    for query in queries {
      texts += [query.eventName, query.numericProp, query.secondNumericProp, query.uniqueProp].compactMap(\.self)
      for filter in query.filters {
        switch filter {
        case .string(let dimension, _, let values): texts += [dimension.name] + values
        case .soft(let soft): texts += [soft.dimension.name] + soft.values
        case .numeric(let property, _): texts.append(property)
        case .anyOf: break
        }
      }
    }
    return texts.allSatisfy { text in
      !text.isEmpty && text.utf8.allSatisfy { 0x20...0x7E ~= $0 && !Array("'\"`\\".utf8).contains($0) } && !"=+-@".contains(text.prefix(1))
    }
  }
}

extension Event {
  /// The text of a dimension; empty where the event has none.
  func text(of dimension: Dimension) -> String {
    switch dimension {
    case .eventName: eventName
    case .userID: userID ?? ""
    case .property(let name): stringProps[name] ?? ""
    }
  }

  /// Whether a filter keeps the event.
  func passes(_ filter: QueryFilter) -> Bool {
    switch filter {
    case .string, .soft:
      guard let (dimension, condition, values) = filter.text else { return false }
      let text = text(of: dimension)
      switch condition {
      case .equal, .isIn: return values.contains(text)
      case .notEqual, .isNotIn: return !values.contains(text)
      case .contains: return values.contains { text.lowercased().contains($0.lowercased()) }
      }
    case .anyOf(let groups): return groups.contains { $0.allSatisfy(passes) }
    case .numeric(let property, let condition):
      guard let number = numericProps[property] else { return false }
      switch condition {
      case .atLeast(let bound): return number >= bound
      case .atMost(let bound): return number <= bound
      case .between(let low, let high): return low <= number && number <= high
      }
    }
  }
}
