import Testing

@testable import Addressing

@Suite("X-Forwarded-For")
struct ForwardedChainTests {
  private let trusted: TrustedProxies

  init() throws {
    trusted = TrustedProxies(
      prefixes: [try IPPrefix("10.0.0.0/8"), try IPPrefix("2001:db8:1::/48")], includesUnixSockets: false)
  }

  /// The client that field lines lead to, in the order in which they were sent; nil for the peer.
  private func client(_ lines: String...) -> String? {
    var chain = ForwardedChain(trusted: trusted)
    let message = Array(lines.joined(separator: "\n").utf8)
    var upper = message.count
    for line in lines.reversed() {
      chain.read(message.span, value: upper - line.utf8.count..<upper)
      upper -= line.utf8.count + 1
    }
    return chain.client.map { String(decoding: message[$0], as: UTF8.self) }
  }

  @Test(
    "leads to the rightmost address that is no trusted proxy's",
    arguments: [
      ("203.0.113.9", "203.0.113.9"),
      ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
      ("6.6.6.6, 203.0.113.9, 10.0.0.2, 10.0.0.3", "203.0.113.9"),
      ("10.0.0.4, 203.0.113.9, 10.0.0.3", "203.0.113.9"),
      ("2001:db8:2::7, 2001:db8:1::1", "2001:db8:2::7"),
      ("\t203.0.113.9 ,, 10.0.0.2 ,", "203.0.113.9"),
    ])
  func untrusted(_ value: String, _ expected: String) {
    #expect(client(value) == expected)
  }

  @Test("leads to the leftmost address when all are trusted")
  func allTrusted() {
    #expect(client("10.0.0.9, 10.0.0.2") == "10.0.0.9")
  }

  @Test(
    "takes addresses with ports and brackets, and shows them without",
    arguments: [
      ("203.0.113.9:4711", "203.0.113.9"), ("[2001:db8:2::7]", "2001:db8:2::7"),
      ("[2001:db8:2::7]:4711", "2001:db8:2::7"), ("2001:db8:2::7:4711", "2001:db8:2::7:4711"),
      ("203.0.113.9, [2001:db8:1::1]:80", "203.0.113.9"),
    ])
  func ports(_ value: String, _ expected: String) {
    #expect(client(value) == expected)
  }

  @Test(
    "is not followed past what is no address",
    arguments: [
      "203.0.113.9, unknown, 10.0.0.2", "203.0.113.9, , x, 10.0.0.2", "203.0.113.9, 10.0.0.1:x, 10.0.0.2",
      "203.0.113.9, [10.0.0.2, 10.0.0.2", "203.0.113.9; 10.0.0.3, 10.0.0.2", "203.0.113.9, [], 10.0.0.2",
      "203.0.113.9, \"10.0.0.3\", 10.0.0.2", "203.0.113.9, :80, 10.0.0.2", "203.0.113.9, [:80, 10.0.0.2",
    ])
  func garbage(_ value: String) {
    #expect(client(value) == "10.0.0.2")
  }

  @Test(
    "without an address leads to the peer",
    arguments: ["", ",", " , ", "unknown", "[]", "203.0.113.9, unknown"])
  func none(_ value: String) {
    #expect(client(value) == nil)
  }

  @Test("is one list however many lines it has")
  func lines() {
    #expect(client("6.6.6.6", "203.0.113.9", "10.0.0.2, 10.0.0.3", "") == "203.0.113.9")
    #expect(client("203.0.113.9", "unknown", "10.0.0.3") == "10.0.0.3")
  }

  @Test("never leads out of its field, whatever stands there")
  func hostile() {
    var randomness = Randomness(state: 3)
    let alphabet = Array("0123456789abcdef:.,[] \t\"x".utf8)
    for _ in 0..<50_000 {
      let message = (0..<Int.random(in: 0...40, using: &randomness)).map { _ in
        alphabet.randomElement(using: &randomness) ?? 0
      }
      let lower = Int.random(in: 0...message.count, using: &randomness)
      var chain = ForwardedChain(trusted: trusted)
      chain.read(message.span, value: lower..<message.count)
      guard let client = chain.client else { continue }
      #expect(lower <= client.lowerBound && client.upperBound <= message.count)
      #expect(IPAddress(Array(message[client])) != nil)
    }
  }
}
