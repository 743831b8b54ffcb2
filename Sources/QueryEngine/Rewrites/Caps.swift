internal import Domain

/// How many rows and series an answer may have.
enum Caps {
  /// - Throws: ``AppError`` 422 `out_of_range` for a limit that is not between 1 and `maximum`.
  static func limit(_ wanted: Int?, default initial: Int, maximum: Int) throws(AppError) -> Int {
    guard let wanted else { return initial }
    guard 1...maximum ~= wanted else { throw .invalid("limit", "out_of_range", "must be between 1 and \(maximum)") }
    return wanted
  }
}
