import Testing

@testable import Addressing

@Suite("the PROXY protocol, version 1")
struct TextProxyHeaderTests {
  @Test(
    "names the client",
    arguments: [
      ("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "192.0.2.7"),
      ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
      ("PROXY TCP6 2001:DB8::7 ::1 0 80\r\n", "2001:db8::7"),
      (
        "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
      ),
      ("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", "192.0.2.7"),
    ])
  func source(_ line: String, _ client: String) {
    let expected = ProxyHeader(byteCount: line.utf8.count, source: .ip(client), isTLS: false)
    #expect(ProxyHeader.parse(line) == .header(expected))
    #expect(ProxyHeader.parse(line + "GET / HTTP/1.1\r\n") == .header(expected))
  }

  @Test(
    "says UNKNOWN where the client is the connection's own peer",
    arguments: [
      "PROXY UNKNOWN\r\n", "PROXY UNKNOWN x y z\r\n",
      "PROXY UNKNOWN ffff:f:f:f:f:f:f:ffff ffff:f:f:f:f:f:f:ffff 65535 65535\r\n",
    ])
  func unknown(_ line: String) {
    #expect(
      ProxyHeader.parse(line) == .header(ProxyHeader(byteCount: line.utf8.count, source: nil, isTLS: false)))
  }

  @Test(
    "is refused when it is malformed",
    arguments: [
      ("GET / HTTP/1.1\r\n", MalformedProxyHeader.notThere), ("PROXY\r\n", .notThere),
      ("proxy TCP4 ", .notThere),
      ("PROXY TCP4\r\n", .badLine), ("PROXY \r\n", .badLine),
      ("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", .badLine),
      ("PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n", .badLine), ("PROXY UNKNOWNS\r\n", .badLine),
      ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", .badLine), ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", .badLine),
      ("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", .badLine), ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", .badLine),
      ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r\n", .badLine), ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", .badLine),
      ("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", .badAddress), ("PROXY TCP4 ::1 ::1 1 2\r\n", .badAddress),
      ("PROXY TCP6 ::ffff:1.2.3.4 1.2.3.4 1 2\r\n", .badAddress),
      ("PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n", .badAddress), ("PROXY TCP4 1.2.3.4 1.2.3 1 2\r\n", .badAddress),
      ("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", .badAddress),
      ("PROXY TCP4 1.2.3.4 1.2.3.4 1 02\r\n", .badAddress),
      ("PROXY TCP4 1.2.3.4 1.2.3.4 1 99999999999999999999\r\n", .badAddress),
      ("PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n", .badAddress),
      ("PROXY TCP4 1.2.3.4 1.2.3.4  2\r\n", .badAddress),
      ("PROXY UNKNOWN " + String(repeating: "x", count: 92) + "\r\n", .tooLong),
    ])
  func malformed(_ line: String, _ cause: MalformedProxyHeader) {
    #expect(ProxyHeader.parse(line) == .malformed(cause))
  }

  @Test("has at most 107 bytes")
  func longest() {
    let line = "PROXY UNKNOWN " + String(repeating: "x", count: 91) + "\r\n"
    #expect(line.utf8.count == 107)
    #expect(ProxyHeader.parse(line) == .header(ProxyHeader(byteCount: 107, source: nil, isTLS: false)))
  }

  @Test("may come in pieces, cut anywhere")
  func pieces() {
    let line = Array("PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n".utf8)
    for count in line.indices { #expect(ProxyHeader.parse(Array(line[..<count])) == .incomplete, "\(count)") }
  }
}

@Suite("the PROXY protocol, version 2")
struct BinaryProxyHeaderTests {
  private static let ipv4: [UInt8] = [192, 0, 2, 7, 198, 51, 100, 1, 0xDC, 0x04, 0x01, 0xBB]
  private static let ipv6: [UInt8] =
    [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [7] + [UInt8](repeating: 0, count: 15) + [1]
    + [0xDC, 0x04, 0x01, 0xBB]

  private func header(_ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil) -> [UInt8] {
    let length = length ?? rest.count
    return BinaryProxyHeader.signature + [command, family, UInt8(length >> 8), UInt8(length & 0xFF)] + rest
  }

  private func tlv(_ type: UInt8, _ value: [UInt8]) -> [UInt8] {
    [type, UInt8(value.count >> 8), UInt8(value.count & 0xFF)] + value
  }

  private func expect(_ bytes: [UInt8], _ source: PeerAddress?, isTLS: Bool = false) {
    let expected = ProxyHeader(byteCount: bytes.count, source: source, isTLS: isTLS)
    #expect(ProxyHeader.parse(bytes) == .header(expected))
    #expect(ProxyHeader.parse(bytes + Array("GET / HTTP/1.1\r\n".utf8)) == .header(expected))
  }

  @Test("names the client")
  func source() {
    expect(header(0x21, 0x11, Self.ipv4), .ip("192.0.2.7"))
    expect(header(0x21, 0x21, Self.ipv6), .ip("2001:db8::7"))
    expect(header(0x21, 0x31, [UInt8](repeating: 0x2F, count: 216)), .unix)
    let mapped =
      [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 7] + [UInt8](repeating: 0, count: 20)
    expect(header(0x21, 0x21, mapped), .ip("192.0.2.7"))
  }

  @Test("leaves the connection's own peer where it names no stream or speaks for itself")
  func none() {
    expect(header(0x20, 0x00, []), nil)
    expect(header(0x20, 0x11, Self.ipv4), nil)
    expect(header(0x20, 0xFF, [1, 2, 3]), nil)
    expect(header(0x21, 0x00, []), nil)
    expect(header(0x21, 0x00, [9, 9, 9, 9]), nil)
    expect(header(0x21, 0x10, Self.ipv4), nil)
    expect(header(0x21, 0x12, Self.ipv4), nil)
    expect(header(0x21, 0x22, Self.ipv6), nil)
  }

  @Test("skips what else is said, and takes from it that the client speaks TLS")
  func tlvs() {
    let others = tlv(0x01, Array("h2".utf8)) + tlv(0x04, []) + tlv(0xE0, [UInt8](repeating: 7, count: 300))
    expect(header(0x21, 0x11, Self.ipv4 + others), .ip("192.0.2.7"))
    expect(
      header(0x21, 0x11, Self.ipv4 + others + tlv(0x20, [1, 0, 0, 0, 0])), .ip("192.0.2.7"), isTLS: true)
    expect(header(0x21, 0x11, Self.ipv4 + tlv(0x20, [0, 0, 0, 0, 0])), .ip("192.0.2.7"))
    expect(header(0x21, 0x11, Self.ipv4 + tlv(0x20, [])), .ip("192.0.2.7"))
  }

  @Test("has its checksum checked")
  func checksum() {
    let zeros: [UInt8] = [0, 0, 0, 0]
    var bytes = header(0x21, 0x11, Self.ipv4 + tlv(0x03, zeros) + tlv(0x04, [5]))
    #expect(ProxyHeader.parse(bytes) == .malformed(.badChecksum))
    let sum = CRC32C.checksum(bytes)
    for index in 0..<4 { bytes[31 + index] = UInt8(truncatingIfNeeded: sum >> (24 - 8 * index)) }
    expect(bytes, .ip("192.0.2.7"))
    for index in [16, 20, bytes.count - 1] {
      var bent = bytes
      bent[index] ^= 1
      #expect(ProxyHeader.parse(bent) == .malformed(.badChecksum))
    }
    #expect(
      ProxyHeader.parse(header(0x21, 0x11, Self.ipv4 + tlv(0x03, [0, 0]))) == .malformed(.badChecksum))
  }

  @Test("the checksum is CRC-32C")
  func knownChecksum() {
    // The check value of the CRC catalogue, and a vector of RFC 3720, B.4.
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32), withZerosIn: 0..<32) == 0x8A91_36AA)
  }

  @Test("is refused when it is malformed")
  func malformed() {
    func expect(_ bytes: [UInt8], _ cause: MalformedProxyHeader, line: Int = #line) {
      #expect(ProxyHeader.parse(bytes) == .malformed(cause), "line \(line)")
    }
    expect(header(0x11, 0x11, Self.ipv4), .badVersion)
    expect(header(0x31, 0x11, Self.ipv4), .badVersion)
    expect(header(0x22, 0x11, Self.ipv4), .badCommand)
    expect(header(0x2F, 0x00, []), .badCommand)
    expect(header(0x21, 0x41, Self.ipv4), .badFamily)
    expect(header(0x21, 0x13, Self.ipv4), .badFamily)
    expect(header(0x21, 0x11, Array(Self.ipv4.dropLast())), .truncatedAddress)
    expect(header(0x21, 0x21, Self.ipv4), .truncatedAddress)
    expect(header(0x21, 0x31, [UInt8](repeating: 0, count: 215)), .truncatedAddress)
    expect(header(0x21, 0x11, Self.ipv4 + [1]), .truncatedTLV)
    expect(header(0x21, 0x11, Self.ipv4 + [1, 0]), .truncatedTLV)
    expect(header(0x21, 0x11, Self.ipv4 + [1, 0, 1]), .truncatedTLV)
    expect(header(0x21, 0x11, Self.ipv4 + [1, 0xFF, 0xFF, 1]), .truncatedTLV)
    expect(header(0x21, 0x11, Self.ipv4, length: 4081), .tooLong)
    expect(header(0x21, 0x11, [], length: 65_535), .tooLong)
    expect(Array("\r\n\r\nGET / HTTP/1.1\r\n".utf8), .notThere)
  }

  @Test("has at most 4096 bytes")
  func longest() {
    expect(
      header(0x21, 0x11, Self.ipv4 + tlv(0x04, [UInt8](repeating: 0, count: 4096 - 31))), .ip("192.0.2.7"))
  }

  @Test("may come in pieces, cut anywhere")
  func pieces() {
    let bytes = header(0x21, 0x21, Self.ipv6 + tlv(0x20, [1, 0, 0, 0, 0]))
    for count in bytes.indices {
      #expect(ProxyHeader.parse(Array(bytes[..<count])) == .incomplete, "\(count)")
    }
  }

  @Test("never leads past what was received, whatever the bytes")
  func hostile() {
    let seeds = [
      header(0x21, 0x11, Self.ipv4), header(0x21, 0x21, Self.ipv6 + tlv(0x03, [1, 2, 3, 4])),
      header(0x20, 0x00, []), Array("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n".utf8),
      Array("PROXY UNKNOWN\r\n".utf8),
    ]
    var randomness = Randomness(state: 5)
    var headers = 0
    for _ in 0..<100_000 {
      var bytes = seeds.randomElement(using: &randomness) ?? []
      for _ in 0..<Int.random(in: 0...4, using: &randomness) where !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &randomness)] = UInt8.random(
          in: 0...255, using: &randomness)
        if Bool.random(using: &randomness) {
          bytes.removeLast(Int.random(in: 0...bytes.count, using: &randomness))
        }
      }
      guard case .header(let header) = ProxyHeader.parse(bytes) else { continue }
      headers += 1
      #expect(header.byteCount <= bytes.count)
    }
    #expect(headers > 10_000)
  }
}
