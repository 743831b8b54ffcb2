public import Domain

extension SQLValue {
  /// A `DateTime64(3, 'UTC')`.
  public init(_ value: Instant) {
    var text = value.iso8601
    text.removeLast()
    self.init(type: "DateTime64(3, 'UTC')", literal: text.replacing("T", with: " "))
  }
}

extension SQL.Interpolation {
  /// Binds a `DateTime64(3, 'UTC')`.
  public mutating func appendInterpolation(bind value: Instant) {
    appendInterpolation(bind: SQLValue(value))
  }
}
