/// A text that equals another one only byte for byte.
///
/// Swift's `String` takes two spellings of a character for one (`é` as a single scalar, and as `e` with a combining accent); the event store
/// does not. Wherever texts decide what may be seen, or tell one question from another, they are compared as the store compares them.
public struct ExactText: Sendable, Hashable, Comparable, ExpressibleByStringLiteral {
  public let text: String

  public init(_ text: String) { self.text = text }

  public init(stringLiteral text: String) { self.text = text }

  public static func == (left: ExactText, right: ExactText) -> Bool { left.text.isExactly(right.text) }

  public static func < (left: ExactText, right: ExactText) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }

  public func hash(into hasher: inout Hasher) { text.hashExactly(into: &hasher) }
}

extension String {
  /// Whether the bytes are the same.
  public func isExactly(_ other: String) -> Bool {
    utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
  }

  /// Fits ``isExactly(_:)``.
  public func hashExactly(into hasher: inout Hasher) {
    var text = self
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    hasher.combine(UInt8.max)
  }
}

extension Sequence where Element == String {
  /// Whether one of the texts has the same bytes.
  public func containsExactly(_ text: String) -> Bool { contains { $0.isExactly(text) } }
}
