/// Any JSON value, for what has no type of its own: rows of answers, configurations of dashboards, the context of a session.
///
///     let widget: EmbanJSON = ["id": "w_calls", "kind": "kpi", "query": ["metric": "count"]]
///     widget["query"]?["metric"]?.stringValue  // "count"
public enum EmbanJSON: Sendable, Hashable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([EmbanJSON])
  case object([String: EmbanJSON])

  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var numberValue: Double? { if case .number(let value) = self { value } else { nil } }
  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  public var arrayValue: [EmbanJSON]? { if case .array(let value) = self { value } else { nil } }
  public var objectValue: [String: EmbanJSON]? { if case .object(let value) = self { value } else { nil } }

  /// A member of an object; nil for anything else.
  public subscript(key: String) -> EmbanJSON? { objectValue?[key] }

  /// An element of an array; nil beyond its end and for anything else.
  public subscript(index: Int) -> EmbanJSON? {
    guard let values = arrayValue, values.indices.contains(index) else { return nil }
    return values[index]
  }
}

extension EmbanJSON: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let values = try? container.decode([EmbanJSON].self) {
      self = .array(values)
    } else {
      self = .object(try container.decode([String: EmbanJSON].self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    // `30` must not become `30.0`, which is no whole number to a strict reader.
    case .number(let value): if let whole = Int64(exactly: value) { try container.encode(whole) } else { try container.encode(value) }
    case .string(let value): try container.encode(value)
    case .array(let values): try container.encode(values)
    case .object(let members): try container.encode(members)
    }
  }
}

extension EmbanJSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int) { self = .number(Double(value)) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(arrayLiteral elements: EmbanJSON...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, EmbanJSON)...) { self = .object(Dictionary(elements, uniquingKeysWith: { $1 })) }
  public init(nilLiteral: ()) { self = .null }
}
