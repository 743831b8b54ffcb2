/// Where a viewer wants the widgets of a dashboard.
public struct ViewerLayout: Sendable, Hashable {
  public var positions: [String: GridPosition]

  public init(positions: [String: GridPosition] = [:]) { self.positions = positions }

  /// Reads what was stored: an object of positions. What cannot be read is as if it were not there.
  public init(stored: JSONValue) {
    positions = (stored.objectValue ?? [:]).compactMapValues { value in
      let problems = Problems()
      let position = GridPosition.read(value, path: "", problems: problems)
      return problems.list.isEmpty ? position : nil
    }
  }

  /// Reads the positions of a request: an object of widgets' ids, each with all of `x`, `y`, `w`, `h`.
  public static func read(_ value: JSONValue, path: String, problems: Problems) -> ViewerLayout? {
    guard case .object(let members) = value else {
      problems.add(path, "wrong_type", "must be an object, not \(value.typeName)")
      return nil
    }
    guard members.count <= Limits.layoutPositions else {
      problems.add(path, "count", "must hold at most \(Limits.layoutPositions) entries")
      return nil
    }
    var layout = ViewerLayout()
    for (id, value) in members.sorted(by: { $0.key < $1.key }) {
      let field = "\(path).\(id.prefix(100))"
      guard 1...100 ~= id.utf8.count else {
        problems.add(field, "length", "must be the id of a widget")
        continue
      }
      for side in ["x", "y", "w", "h"] where value.objectValue != nil && (value[side] ?? .null).isNull {
        problems.add("\(field).\(side)", "missing", "is required and must be a whole number")
      }
      layout.positions[id] = GridPosition.read(value, path: field, problems: problems)
    }
    return layout
  }

  /// The widgets at the places of this layout. Those that it does not know, because they came with a later version, stand below all others, as
  /// they stand to each other.
  public func placed(_ widgets: [Widget]) -> [Widget] {
    let known = widgets.compactMap { positions[$0.id] }
    let bottom = known.map { $0.y + $0.h }.max() ?? 0
    let top = widgets.filter { positions[$0.id] == nil }.map(\.position.y).min() ?? 0
    return widgets.map { widget in
      var widget = widget
      widget.position = positions[widget.id] ?? widget.position.moved(down: bottom - top)
      return widget
    }
  }

  /// This layout with another one over it: what that one does not name, and is not shown now, keeps its place for when it is shown again.
  public func keeping(_ older: ViewerLayout, except shown: Set<String>) -> ViewerLayout {
    var layout = self
    let rest = older.positions.filter { !shown.contains($0.key) && positions[$0.key] == nil }
    if rest.count + positions.count <= Limits.layoutPositions { layout.positions.merge(rest) { own, _ in own } }
    return layout
  }

  public var json: JSONValue { .object(positions.mapValues(\.json)) }
}

extension GridPosition {
  func moved(down rows: Int) -> GridPosition {
    GridPosition(x: x, y: Swift.max(0, y + rows), w: w, h: h)
  }
}
