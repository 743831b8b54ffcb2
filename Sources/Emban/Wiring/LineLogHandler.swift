import Logging

/// Keeps each event on its line: ids of widgets and texts of other servers' errors may hold line breaks, and whoever writes them must not
/// be able to write lines of our log, or to send commands to the terminal that shows it.
struct LineLogHandler: LogHandler {
  private var inner: any LogHandler

  init(_ inner: any LogHandler) { self.inner = inner }

  var logLevel: Logger.Level {
    get { inner.logLevel }
    set { inner.logLevel = newValue }
  }

  var metadata: Logger.Metadata {
    get { inner.metadata }
    set { inner.metadata = newValue.mapValues(Self.onOneLine) }
  }

  var metadataProvider: Logger.MetadataProvider? {
    get { inner.metadataProvider }
    set { inner.metadataProvider = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { inner[metadataKey: key] }
    set { inner[metadataKey: key] = newValue.map(Self.onOneLine) }
  }

  func log(event: LogEvent) {
    var event = event
    event.message = "\(Self.onOneLine(event.message.description))"
    event.metadata = event.metadata?.mapValues(Self.onOneLine)
    inner.log(event: event)
  }

  private static func onOneLine(_ value: Logger.Metadata.Value) -> Logger.Metadata.Value {
    .string(onOneLine("\(value)"))
  }

  /// Control characters and the line separators of Unicode as `\u{a}`.
  static func onOneLine(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    return text.unicodeScalars.reduce(into: "") { line, scalar in
      if isControl(scalar) { line += "\\u{\(String(scalar.value, radix: 16))}" } else { line.unicodeScalars.append(scalar) }
    }
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value || scalar.value == 0x2028 || scalar.value == 0x2029
  }
}
