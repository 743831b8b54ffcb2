public import ClickHouse

extension SQL {
  /// The statement with its values in its text, and with its conditions for another scope or, for nil, without them: as a bug might make
  /// it. Row policies are not touched by this; they hold as long as a reader runs it.
  public func rewritten(for scope: ScopeSettings?) -> SQL {
    var text = text
    var values = parameters.map(Self.literal)
    let conditions = #/org_id = \{p(\d+):String\} AND environment = \{p(\d+):String\}(?: AND tenant_id = \{p(\d+):String\})?/#
    if let scope {
      for match in text.matches(of: conditions) {
        let named = [(match.1, scope.organization), (match.2, scope.environment)] + (match.3.map { [($0, scope.tenant ?? "")] } ?? [])
        for (place, name) in named { values[Int(place) ?? 0] = Self.literal(SQL(bind: SQLValue(name)).parameters[0]) }
      }
    } else {
      text = text.replacing(conditions, with: "1 = 1")
    }
    return SQL(trusted: text.replacing(#/\{p(\d+):[^{}]+\}/#) { values[Int($0.1) ?? 0] })
  }

  /// A bound value as SQL: its escapes are those of a literal.
  private static func literal(_ parameter: Parameter) -> String {
    switch parameter.type {
    case "String": "'\(parameter.value)'"
    case "Int64": parameter.value
    case let type where type.hasPrefix("Array"): parameter.value
    default: "CAST('\(parameter.value)' AS \(parameter.type))"
    }
  }
}
