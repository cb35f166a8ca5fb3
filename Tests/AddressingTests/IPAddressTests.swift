import Glibc
import Testing

@testable import Addressing

@Suite("addresses")
struct IPAddressTests {
  @Test(
    "are written as RFC 5952 wants it",
    arguments: [
      ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
      ("2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"),
      ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
      ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
      ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:201", "192.0.2.1"),
      ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
      ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ])
  func description(_ text: String, _ expected: String) {
    #expect(IPAddress(text)?.description == expected)
  }

  @Test(
    "are none when they are malformed",
    arguments: [
      "", " ", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1.2.3.4 ", " 1.2.3.4", "1..2.3",
      "0x1.2.3.4",
      "1.2.3.4:80", "[::1]", ":", ":1", "1:", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", ":::", "1:::2",
      "12345::", "::g", "::1%eth0", "::1.2.3", "::1.2.3.4.5", "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:6:7:8::",
      "::1.2.3.4:1",
      "unknown", "_hidden", "localhost", "1:2:3:4::5:6:7:8:9",
    ])
  func malformed(_ text: String) {
    #expect(IPAddress(text) == nil)
  }

  /// What the C library reads; nil where it reads nothing.
  private func libraryBits(_ text: String) -> (IPAddress.Family, [UInt8])? {
    var bytes = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, text, &bytes) == 1 { return (.ipv4, Array(bytes.prefix(4))) }
    return inet_pton(AF_INET6, text, &bytes) == 1 ? (.ipv6, bytes) : nil
  }

  @Test("are what the C library takes for addresses, however a text is bent")
  func agreesWithTheLibrary() {
    let seeds = [
      "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::ff00:42:8329", "1:2:3:4:5:6:7:8",
      "::ffff:10.0.0.1",
      "64:ff9b::192.0.2.33", "1::8", "fe80::1:2:3:4",
    ].map { Array($0.utf8) }
    let alphabet = Array("0123456789abcdefABg:.:.::".utf8)
    var randomness = Randomness(state: 7)
    var valid = 0
    for _ in 0..<60_000 {
      var text = seeds.randomElement(using: &randomness) ?? []
      for _ in 0..<Int.random(in: 0...3, using: &randomness) {
        let place = Int.random(in: 0...text.count, using: &randomness)
        let byte = alphabet.randomElement(using: &randomness) ?? 0
        switch Int.random(in: 0...2, using: &randomness) {
        case 0: text.insert(byte, at: place)
        case 1 where place < text.count: text.remove(at: place)
        default: if place < text.count { text[place] = byte }
        }
      }
      let string = String(decoding: text, as: UTF8.self)
      let expected = libraryBits(string).flatMap { IPAddress(networkOrder: $0.1) }
      #expect(IPAddress(string) == expected, "\(string)")
      valid += expected == nil ? 0 : 1
    }
    #expect(valid > 10_000)
  }

  @Test("are read back from what they are written as")
  func roundTrip() {
    var randomness = Randomness(state: 11)
    for _ in 0..<20_000 {
      var bytes = (0..<(Bool.random(using: &randomness) ? 4 : 16)).map { _ in
        UInt8.random(in: 0...255, using: &randomness)
      }
      for _ in 0..<Int.random(in: 0...12, using: &randomness) {
        bytes[Int.random(in: 0..<bytes.count, using: &randomness)] = 0
      }
      let address = IPAddress(networkOrder: bytes)
      #expect(address != nil)
      #expect(address.flatMap { IPAddress("\($0)") } == address)
    }
    #expect(IPAddress(networkOrder: [1, 2, 3]) == nil)
    #expect(IPAddress(networkOrder: []) == nil)
  }
}

@Suite("blocks of addresses")
struct IPPrefixTests {
  @Test(
    "hold what begins with their bits",
    arguments: [
      ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
      ("10.0.0.7", "10.0.0.7", true),
      ("10.0.0.7", "10.0.0.8", false), ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "::1", false),
      ("::/0", "2001:db8::1", true), ("::/0", "10.0.0.1", false), ("2001:db8::/32", "2001:db8:ffff::", true),
      ("2001:db8::/32", "2001:db9::", false), ("::1", "::1", true), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
      ("128.0.0.0/1", "127.255.255.255", false), ("128.0.0.0/1", "255.0.0.0", true),
    ])
  func contains(_ prefix: String, _ address: String, _ expected: Bool) throws {
    let address = try #require(IPAddress(address))
    #expect(try IPPrefix(prefix).contains(address) == expected)
  }

  @Test(
    "say what would be right",
    arguments: [
      ("", IPPrefixError.noAddress), ("localhost", .noAddress), ("10.0.0/8", .noAddress),
      ("10.0.0.0/33", .badLength(most: 32)),
      ("10.0.0.0/", .badLength(most: 32)), ("10.0.0.0/-1", .badLength(most: 32)),
      ("::/129", .badLength(most: 128)),
      ("10.0.0.0/+8", .badLength(most: 32)), ("10.0.0.0/8/9", .badLength(most: 32)),
      ("10.0.0.0/99999999999999999999", .badLength(most: 32)),
      ("10.0.0.7/8", .bitsPastPrefix(right: "10.0.0.0/8")),
      ("2001:db8::1/32", .bitsPastPrefix(right: "2001:db8::/32")),
    ])
  func errors(_ text: String, _ expected: IPPrefixError) {
    #expect(throws: expected) { try IPPrefix(text) }
  }

  @Test(
    "are written as they are read",
    arguments: ["10.0.0.0/8", "10.0.0.7", "2001:db8::/32", "::1", "0.0.0.0/0"])
  func description(_ text: String) throws {
    #expect(try IPPrefix(text).description == text)
  }
}
