/// The look of a dashboard; every member is optional. Values reach style sheets and are therefore checked against closed forms.
public struct Theme: Sendable, Hashable {
  public enum Mode: String, Sendable, Hashable, CaseIterable {
    case light, dark, auto
  }

  /// The contract's colour members.
  public static let colorKeys = ["primaryColor", "backgroundColor", "cardBackground", "cardBorder", "textColor", "mutedColor"]

  public var colors: [String: String]
  public var fontFamily: String?
  public var logoUrl: String?
  public var palette: [String]?
  public var mode: Mode?
  public var poweredBy: Bool?

  public init(
    colors: [String: String] = [:], fontFamily: String? = nil, logoUrl: String? = nil, palette: [String]? = nil,
    mode: Mode? = nil, poweredBy: Bool? = nil
  ) {
    self.colors = colors
    self.fontFamily = fontFamily
    self.logoUrl = logoUrl
    self.palette = palette
    self.mode = mode
    self.poweredBy = poweredBy
  }

  public static func read(_ value: JSONValue, path: String, problems: Problems) -> Theme? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    var theme = Theme()
    for key in colorKeys {
      guard let color = reader.string(key, length: 1...50) else { continue }
      if isColor(color) { theme.colors[key] = color } else { reader.problem(key, "color", colorRule) }
    }
    theme.fontFamily = reader.string("fontFamily", length: 0...Limits.nameLength)
    if let font = theme.fontFamily, font.unicodeScalars.contains(where: { ";{}<>\\()".unicodeScalars.contains($0) }) {
      reader.problem("fontFamily", "font_family", "must be a list of font names without ; { } < > \\ ( )")
    }
    theme.logoUrl = reader.string("logoUrl")
    if let url = theme.logoUrl, !(url.hasPrefix("https://") || url.hasPrefix("/") && !url.hasPrefix("//")) {
      reader.problem("logoUrl", "url", "must begin with https:// or be a path on this server")
    }
    theme.palette = reader.strings("palette", count: 0...Limits.paletteColors, length: 1...50)
    for (index, color) in (theme.palette ?? []).enumerated() where !isColor(color) {
      reader.problem("palette[\(index)]", "color", colorRule)
    }
    theme.mode = reader.enumeration("mode", Mode.self)
    theme.poweredBy = reader.bool("poweredBy")
    reader.finish()
    return theme
  }

  private static let colorRule = "must be a colour such as #0f9d58, rgb(15, 157, 88), hsl(144 82% 34%) or a colour's name"

  /// `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb()/rgba()/hsl()/hsla()` of numbers, or a name of letters.
  static func isColor(_ text: String) -> Bool {
    let scalars = Array(text.unicodeScalars)
    if scalars.first == "#" {
      return [4, 5, 7, 9].contains(scalars.count) && scalars.dropFirst().allSatisfy(\.properties.isASCIIHexDigit)
    }
    if scalars.allSatisfy({ ("a"..."z").contains($0) || ("A"..."Z").contains($0) }) { return true }
    guard scalars.last == ")", let open = scalars.firstIndex(of: "(") else { return false }
    let function = String(String.UnicodeScalarView(scalars[..<open]))
    return ["rgb", "rgba", "hsl", "hsla"].contains(function)
      && scalars[(open + 1)..<(scalars.count - 1)].allSatisfy { "0123456789., %/deg".unicodeScalars.contains($0) }
  }

  public var json: JSONValue {
    var members = colors.mapValues(JSONValue.string)
    if let fontFamily { members["fontFamily"] = .string(fontFamily) }
    if let logoUrl { members["logoUrl"] = .string(logoUrl) }
    if let palette { members["palette"] = .strings(palette) }
    if let mode { members["mode"] = .string(mode.rawValue) }
    if let poweredBy { members["poweredBy"] = .bool(poweredBy) }
    return .object(members)
  }
}
