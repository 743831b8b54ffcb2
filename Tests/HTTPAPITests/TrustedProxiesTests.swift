import HTTPAPI
import Testing

@Suite struct TrustedProxiesTests {
  private func visitor(_ list: String, peer: String, _ forwarded: String...) throws -> String? {
    try #require(TrustedProxies(parsing: list)).visitor(peer: peer, forwarded: forwarded)
  }

  @Test func believesTheProxyAndNobodyElse() throws {
    #expect(try visitor("10.0.0.0/8", peer: "10.1.2.3", "192.0.2.1") == "192.0.2.1")
    #expect(try visitor("10.0.0.0/8", peer: "11.1.2.3", "192.0.2.1") == nil)
    #expect(try visitor("10.0.0.0/8", peer: "unknown", "192.0.2.1") == nil)
    #expect(try visitor("10.0.0.0/8", peer: "10.1.2.3") == nil)
    #expect(TrustedProxies().visitor(peer: "127.0.0.1", forwarded: ["192.0.2.1"]) == nil)
  }

  /// What stands before the last address that is no proxy of ours is what the visitor says.
  @Test func readsFromTheRight() throws {
    #expect(try visitor("10.0.0.0/8", peer: "10.0.0.1", "203.0.113.9, 192.0.2.1") == "192.0.2.1")
    #expect(try visitor("10.0.0.0/8", peer: "10.0.0.1", "203.0.113.9", "192.0.2.1,10.0.0.2") == "192.0.2.1")
    #expect(try visitor("10.0.0.0/8", peer: "10.0.0.1", "10.0.0.3, 10.0.0.2") == "10.0.0.3")
    // What is no address ends it: nobody knows who it is of.
    #expect(try visitor("10.0.0.0/8", peer: "10.0.0.1", "192.0.2.1, unknown") == nil)
    #expect(try visitor("10.0.0.0/8", peer: "10.0.0.1", "192.0.2.1, x, 10.0.0.2") == "10.0.0.2")
    #expect(try visitor("10.0.0.0/8", peer: "10.0.0.1", "192.0.2.1, ") == nil)
  }

  @Test func readsAddressesWithPortsAndOfIPv6() throws {
    #expect(try visitor("10.0.0.1", peer: "::ffff:10.0.0.1", "192.0.2.1:4711") == "192.0.2.1")
    #expect(try visitor("2001:db8::/33, 192.0.2.7", peer: "2001:db8:7fff::1", "[2001:db8:8000::1]:443") == "2001:db8:8000::1")
    #expect(try visitor("2001:db8::/33", peer: "2001:db8:8000::1", "192.0.2.1") == nil)
    #expect(try visitor("::1", peer: "::1", "2001:db8::9") == "2001:db8::9")
    #expect(try visitor("192.0.2.0/25", peer: "192.0.2.127", "198.51.100.1") == "198.51.100.1")
    #expect(try visitor("192.0.2.0/25", peer: "192.0.2.128", "198.51.100.1") == nil)
    #expect(try visitor("0.0.0.0/0", peer: "192.0.2.128", "2001:db8::9, 198.51.100.1") == "2001:db8::9")
  }

  @Test(arguments: [
    "", ",", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0", "proxy", "::1/129", "10.0.0.1,", "*", "[::1]",
  ])
  func refusesWhatIsNoList(list: String) {
    #expect(TrustedProxies(parsing: list) == nil)
  }
}
