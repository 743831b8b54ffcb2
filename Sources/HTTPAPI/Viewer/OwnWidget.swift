import ConfigStore
import Domain
import QueryEngine

/// A widget that a viewer has added to a dashboard.
struct OwnWidget: Sendable {
  /// As it is asked: of no event that none of the dashboard's own widgets looks at.
  let widget: Widget
  /// As the viewer wrote it.
  let shown: Widget
  /// Whether the dashboard still shows what it asks for. It is not shown otherwise, and comes back with a version that does.
  let isAvailable: Bool

  private init(_ shown: Widget, _ vocabulary: Vocabulary) {
    self.shown = shown
    var widget = shown
    isAvailable = shown.query.map { vocabulary.problems(of: $0).isEmpty } ?? false
    widget.query = shown.query.map(vocabulary.narrowed)
    self.widget = widget
  }

  /// All of a viewer on a dashboard, in the order in which they were made.
  static func all(of view: EmbedAccess.View, in viewers: ViewerRepository) async throws -> [OwnWidget] {
    let vocabulary = view.vocabulary
    return try await viewers.widgets(of: view.viewer).compactMap { stored in
      let problems = Problems()
      guard let widget = Widget.read(stored.widget, path: "", problems: problems), problems.list.isEmpty else { return nil }
      return OwnWidget(widget, vocabulary)
    }
  }

  /// The JSON of a widget of the viewer's, which says so.
  static func json(of widget: Widget, _ more: [String: JSONValue] = [:]) -> JSONValue {
    .object((widget.json.objectValue ?? [:]).merging(more) { $1 }.merging(["own": true]) { $1 })
  }
}

extension EmbedAccess.View {
  /// What widgets of the viewer's own may be made of.
  var vocabulary: Vocabulary { Vocabulary(config, permissions: session.permissions) }
}
