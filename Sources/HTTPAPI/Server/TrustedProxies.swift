import HTTPTypes

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The proxies in front of this server whose `X-Forwarded-For` is believed: addresses and networks, separated by commas.
///
/// Each proxy writes whom it was asked by at the end of the header, so the last address that is none of ours is the visitor; what stands before it is what the
/// visitor says. Anybody can send the header, so that of a connection from elsewhere counts for nothing.
public struct TrustedProxies: Sendable, Hashable {
  /// An address of sixteen bytes, of IPv4 as IPv6 writes it (`::ffff:192.0.2.1`), and how many of its bits count.
  private struct Network: Sendable, Hashable {
    let bytes: [UInt8]
    let bits: Int

    func holds(_ address: [UInt8]) -> Bool {
      let whole = bits / 8
      guard bytes.prefix(whole) == address.prefix(whole) else { return false }
      guard bits % 8 > 0 else { return true }
      let mask = ~(UInt8.max >> UInt8(bits % 8))
      return bytes[whole] & mask == address[whole] & mask
    }
  }

  private var networks: [Network] = []

  /// None.
  public init() {}

  /// Nil for what is no list such as `10.0.0.0/8, 192.0.2.7, 2001:db8::/32`.
  public init?(parsing text: String) {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let words = part.trimmingSpaces.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      guard let address = words.first, let bytes = Self.bytes(of: String(address)) else { return nil }
      let unused = address.contains(":") ? 0 : 96
      var bits = 128
      if words.count == 2 {
        guard let given = Int(words[1]), 0...128 - unused ~= given else { return nil }
        bits = given + unused
      }
      networks.append(Network(bytes: bytes, bits: bits))
    }
  }

  /// The address of who asked the outermost proxy that is trusted; nil when the connection's own is all that is known.
  /// - Parameters:
  ///   - peer: who the connection is from.
  ///   - forwarded: the values of `X-Forwarded-For`, in their order.
  public func visitor(peer: String, forwarded: [String]) -> String? {
    guard !networks.isEmpty, !forwarded.isEmpty else { return nil }
    var nearest = peer
    var visitor: String?
    for entry in forwarded.joined(separator: ",").split(separator: ",", omittingEmptySubsequences: false).reversed() {
      guard isTrusted(nearest), let address = Self.address(in: entry.trimmingSpaces) else { break }
      nearest = address
      visitor = address
    }
    return visitor
  }

  private func isTrusted(_ address: String) -> Bool {
    guard let bytes = Self.bytes(of: address) else { return false }
    return networks.contains { $0.holds(bytes) }
  }

  /// The address of an entry without its port: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`; nil for anything else.
  private static func address(in entry: Substring) -> String? {
    var address = entry
    if entry.hasPrefix("["), let end = entry.firstIndex(of: "]") {
      address = entry[..<end].dropFirst()
    } else if entry.count(where: { $0 == ":" }) == 1, let colon = entry.firstIndex(of: ":") {
      address = entry[..<colon]
    }
    return bytes(of: String(address)) == nil ? nil : String(address)
  }

  private static func bytes(of address: String) -> [UInt8]? {
    var six = in6_addr()
    if inet_pton(AF_INET6, address, &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
    var four = in_addr()
    guard inet_pton(AF_INET, address, &four) == 1 else { return nil }
    return Array(repeating: 0, count: 10) + [0xFF, 0xFF] + withUnsafeBytes(of: four) { Array($0) }
  }
}

extension Substring {
  fileprivate var trimmingSpaces: Substring {
    let start = drop { $0 == " " || $0 == "\t" }
    guard let end = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return start }
    return start[...end]
  }
}

extension HTTPField.Name {
  static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
}
