internal import ClickHouse
internal import Domain

/// Groups of events that a widget is made of: per bucket, per value of a dimension, per both, or all events of a span as one.
struct GroupSet: Hashable {
  var span: TimeRange
  /// The key of a row's bucket, an `Int64`; nil when time does not part the groups.
  var bucket: SQL?
  var dimension: Dimension?
  /// What is computed of each group.
  var measures: [Measure]

  /// Whether two sets hold the same groups, whatever is computed of them.
  func hasGroups(of other: GroupSet) -> Bool { span == other.span && bucket == other.bucket && dimension == other.dimension }
}

/// One group of a set with its values, in the order of ``GroupSet/measures``.
struct GroupRow {
  var bucket: Int
  /// The value of the dimension.
  var name: ExactText
  var values: [JSONValue]
}

/// A kind of widget whose answer can be made of groups that one scan yields for several widgets.
protocol Fusible: KindPlan {
  var question: Question { get }
  /// The groups it takes; none when this question has to be asked by its own statements.
  var groupSets: [GroupSet] { get }
  /// About how many buckets its sets have.
  var bucketCount: Int { get }
  /// The rows that its statements would answer, for ``KindPlan/shape(_:)``.
  /// - Parameter groups: those of each set, in no order.
  func answers(of groups: [[GroupRow]]) -> [[[JSONValue]]]
}

extension Fusible {
  var bucketCount: Int { 1 }
}

/// The order in which the server would put groups: by value, nothing last, equal ones by the bytes of their names.
struct GroupOrder {
  let order: SortOrder

  func sorted(_ groups: [GroupRow]) -> [GroupRow] {
    groups.sorted { left, right in
      switch (left.values.first?.numberValue, right.values.first?.numberValue) {
      case (let a?, let b?) where a != b: return order == .ascending ? a < b : a > b
      case (.some, nil): return true
      case (nil, .some): return false
      default: return left.name < right.name
      }
    }
  }
}
