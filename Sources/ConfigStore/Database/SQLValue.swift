/// A value as it goes into or comes out of the configuration store. There is no floating point in its schema.
public enum SQLValue: Sendable, Hashable {
  case null
  case integer(Int64)
  case text(String)
}
