public import Domain

/// Why an event was not accepted. The raw values are part of the API and never change.
public enum RejectionCode: String, Sendable, CaseIterable {
  case malformedJSON = "malformed_json"
  case eventType = "event_type"
  case unknownField = "unknown_field"
  case duplicateField = "duplicate_field"

  case tenantIDMissing = "tenant_id_missing"
  case tenantIDType = "tenant_id_type"
  case tenantIDLength = "tenant_id_length"
  case tenantIDCharacters = "tenant_id_characters"

  case eventNameMissing = "event_name_missing"
  case eventNameType = "event_name_type"
  case eventNameLength = "event_name_length"
  case eventNameCharacters = "event_name_characters"

  case timestampType = "timestamp_type"
  case timestampFormat = "timestamp_format"
  case timestampRange = "timestamp_range"

  case eventIDType = "event_id_type"
  case eventIDLength = "event_id_length"
  case eventIDCharacters = "event_id_characters"

  case userIDType = "user_id_type"
  case userIDLength = "user_id_length"
  case userIDCharacters = "user_id_characters"

  case stringPropsType = "string_props_type"
  case numericPropsType = "numeric_props_type"
  case numericPropsNotFinite = "numeric_props_not_finite"
  case propertyNameLength = "property_name_length"
  case propertyNameCharacters = "property_name_characters"
  case propertyDuplicate = "property_duplicate"
  case propertyValueLength = "property_value_length"
  case propertyValueCharacters = "property_value_characters"
  case tooManyProperties = "too_many_properties"

  /// The store refused the event although it passed every check.
  case notStorable = "not_storable"

  // Imports only
  case csvColumns = "csv_columns"
  case csvQuotes = "csv_quotes"
  case invalidUTF8 = "invalid_utf8"
  case recordLength = "record_length"
  case numberFormat = "number_format"
}

/// One event that was not accepted: its place in the request, the first thing wrong with it, and what was expected.
public struct Rejection: Sendable, Hashable {
  /// Position in the request, from 0.
  public var index: Int
  /// Path inside the event (`tenant_id`, `numeric_props.tokens`); empty when the event as a whole is meant.
  public var field: String
  public var code: RejectionCode
  /// A sentence for a person.
  public var expected: String

  public init(index: Int, field: String, code: RejectionCode, expected: String) {
    self.index = index
    self.field = field
    self.code = code
    self.expected = expected
  }

  public var json: JSONValue {
    [
      "index": .int(index), "field": .string(field), "code": .string(code.rawValue), "expected": .string(expected),
    ]
  }

  /// As a member of `details` in an error body: the path is that of the whole request.
  public var problem: FieldProblem {
    let path = field.isEmpty ? "events[\(index)]" : "events[\(index)].\(field)"
    return FieldProblem(field: path, code: code.rawValue, expected: expected)
  }
}
