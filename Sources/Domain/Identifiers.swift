/// An opaque string identifier; the types keep one kind of id from being passed for another. Compared byte for byte: see ``ExactText``.
public protocol StringIdentifier: RawRepresentable, Hashable, Sendable, CustomStringConvertible where RawValue == String {
  init(rawValue: String)
}

extension StringIdentifier {
  public init(_ rawValue: String) { self.init(rawValue: rawValue) }
  public var description: String { rawValue }

  public static func == (left: Self, right: Self) -> Bool { left.rawValue.isExactly(right.rawValue) }
  public func hash(into hasher: inout Hasher) { rawValue.hashExactly(into: &hasher) }
}

public struct OrganizationID: StringIdentifier {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
}

public struct UserID: StringIdentifier {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
}

public struct KeyID: StringIdentifier {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
}

public struct DashboardID: StringIdentifier {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
}

public struct DataAppID: StringIdentifier {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
}

public struct SessionID: StringIdentifier {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
}

public struct InviteID: StringIdentifier {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
}

/// The customer of our customer: whose rows a viewer sees.
public struct TenantID: StringIdentifier {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
}

/// `production` or `development`: separate events under the same organisation. `selftest` is reserved.
public struct EnvironmentName: StringIdentifier {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }

  public static let production = EnvironmentName("production")
  public static let development = EnvironmentName("development")
  /// Where the check of isolation keeps the events of its made-up customers. No key, person or embed session is ever of it.
  public static let selftest = EnvironmentName("selftest")
}

/// Makes identifiers such as `dash_3k7…`: a prefix and 20 characters of 5 random bits each from the system's generator.
public enum IDGenerator {
  private static let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789")

  public static func make(_ prefix: String) -> String {
    var generator = SystemRandomNumberGenerator()
    return prefix + "_" + String((0..<20).map { _ in alphabet[Int(generator.next(upperBound: 32 as UInt32))] })
  }
}
