/// A value that a dashboard's author leaves to the session: `{{context.userId}}` stands for the member `userId` of the session's context, which
/// the host's back end states when it makes the session.
public struct ContextReference: Sendable, Hashable {
  public let name: String

  static let rule =
    "must be a reference to the session's context such as {{context.userId}}, alone and with a name of letters, digits and _"
  private static let maximumNameLength = 64

  /// Nil for a text that is not exactly one reference.
  public init?(_ text: String) {
    guard text.hasPrefix("{{"), text.hasSuffix("}}"), text.utf8.count >= 4 else { return nil }
    let inner = text.dropFirst(2).dropLast(2)
    let path = inner.drop { $0 == " " }.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    guard let reference = path.first, path.dropFirst().allSatisfy({ $0.allSatisfy { $0 == " " } }), reference.hasPrefix("context.") else {
      return nil
    }
    let name = reference.dropFirst("context.".count)
    guard 1...Self.maximumNameLength ~= name.utf8.count, name.utf8.allSatisfy(Self.isPartOfName), name.first?.isNumber == false else {
      return nil
    }
    self.name = String(name)
  }

  /// Whether a text was meant for a reference: one that is none must be refused rather than be taken for a value.
  static func isMeant(by text: String) -> Bool { text.contains("{{") }

  private static func isPartOfName(_ byte: UInt8) -> Bool {
    UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
      || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || byte == UInt8(ascii: "_")
  }
}

/// A condition whose values the session's context tells. It shows as its author wrote it, whatever it was resolved to, and no event passes one
/// that is not resolved.
public struct SoftFilter: Sendable, Hashable {
  public var dimension: Dimension
  public var condition: QueryFilter.StringCondition
  /// As written: references, and texts that stand for themselves.
  public let values: [String]
  /// What the context makes of them; nil before, and when it lacks one of them or has another type there.
  public private(set) var resolved: [String]?

  public init(_ dimension: Dimension, _ condition: QueryFilter.StringCondition, values: [String]) {
    self.dimension = dimension
    self.condition = condition
    self.values = values
  }

  /// Reads values of which some may be references.
  /// - Returns: nil when none is one; the caller takes them as they are. Texts that were meant for references and are none are problems.
  static func read(
    _ dimension: Dimension?, _ condition: QueryFilter.StringCondition?, values: [String], path: String, problems: Problems
  ) -> SoftFilter? {
    let meant = values.enumerated().filter { ContextReference.isMeant(by: $0.element) }
    guard !meant.isEmpty else { return nil }
    for (index, text) in meant where ContextReference(text) == nil {
      problems.add(values.count == 1 ? path : "\(path)[\(index)]", "context_reference", ContextReference.rule)
    }
    guard let dimension, let condition else { return nil }
    return SoftFilter(dimension, condition, values: values)
  }

  /// The names of the members that it refers to.
  public var references: [String] { values.compactMap { ContextReference($0)?.name } }

  /// With what a context, an object, has to say.
  public func resolved(by context: JSONValue) -> SoftFilter {
    var filter = self
    var found: [String]? = []
    for value in values {
      guard let reference = ContextReference(value) else {
        found?.append(value)
        continue
      }
      guard let texts = texts(of: context[reference.name]) else {
        found = nil
        break
      }
      found?.append(contentsOf: texts)
    }
    filter.resolved = found.flatMap { 1...Limits.filterValues ~= $0.count ? $0 : nil }
    return filter
  }

  /// One text, or several where the condition takes several; nil for everything that is not surely meant for one. An empty text is nothing,
  /// which `contains` would find everywhere.
  private func texts(of value: JSONValue?) -> [String]? {
    switch value {
    case .array(let values) where condition == .isIn || condition == .isNotIn:
      let texts = values.compactMap(Self.text)
      return texts.count == values.count && !texts.isEmpty ? texts : nil
    case .some(let value): return Self.text(of: value).map { [$0] }
    case nil: return nil
    }
  }

  /// A text, or a whole number as its digits.
  public static func text(of value: JSONValue) -> String? {
    switch value {
    case .string(let text):
      1...Limits.propertyValueLength ~= text.utf8.count && !text.unicodeScalars.contains("\0") ? text : nil
    case .number(let number) where number == number.rounded() && abs(number) < 9e15: String(Int64(number))
    case .null, .bool, .number, .array, .object: nil
    }
  }
}

extension WidgetQuery {
  /// The query of a widget, in whose filters texts may be references. Elsewhere, as in questions that are asked once, a text is a text.
  func readingReferences(path: String, problems: Problems) -> WidgetQuery {
    var query = self
    query.filters = filters.enumerated().map { index, filter -> QueryFilter in
      guard case .string(let dimension, let condition, let values) = filter else { return filter }
      let place = "\(path).filters[\(index)].values"
      let soft = SoftFilter.read(dimension, condition, values: values, path: place, problems: problems)
      return soft.map(QueryFilter.soft) ?? filter
    }
    return query
  }
}

extension QueryFilter {
  /// A condition on the text of one dimension, whoever has told its values; nil for any other, and where nobody has.
  public var text: (dimension: Dimension, condition: StringCondition, values: [String])? {
    switch self {
    case .string(let dimension, let condition, let values): (dimension, condition, values)
    case .soft(let soft): soft.resolved.map { (soft.dimension, soft.condition, $0) }
    case .numeric, .anyOf: nil
    }
  }
}

extension DashboardConfig {
  /// With the values that a session's context, an object, tells. As JSON it stays what it was.
  public func resolved(by context: JSONValue) -> DashboardConfig {
    var config = self
    config.widgets = widgets.map { widget in
      var widget = widget
      widget.query = widget.query.map { query in
        var query = query
        query.filters = query.filters.map { if case .soft(let soft) = $0 { .soft(soft.resolved(by: context)) } else { $0 } }
        return query
      }
      return widget
    }
    config.filters = filters.map { filter in
      var filter = filter
      filter.fixed = filter.fixed?.resolved(by: context)
      return filter
    }
    return config
  }

  /// Conditions that hold for every question of the dashboard and that no viewer sees or changes.
  public var fixedFilters: [SoftFilter] { filters.compactMap(\.fixed) }

  /// The members of the context that the dashboard refers to.
  public var contextReferences: Set<String> {
    let soft = widgets.compactMap(\.query).flatMap(\.filters).compactMap { filter -> SoftFilter? in
      if case .soft(let soft) = filter { soft } else { nil }
    }
    return Set((soft + fixedFilters).flatMap(\.references))
  }
}
