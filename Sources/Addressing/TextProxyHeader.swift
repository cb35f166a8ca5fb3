/// Version 1 of the PROXY protocol: one line.
///
///     PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n
///           TCP6 …  UNKNOWN …
enum TextProxyHeader {
  private static let start: [UInt8] = Array("PROXY ".utf8)
  private static let maxBytes = 107

  static func read(_ bytes: Span<UInt8>) throws(ProxyHeaderStop) -> ProxyHeader {
    for index in start.indices {
      guard index < bytes.count else { throw .outOfBytes }
      guard bytes[index] == start[index] else { throw .malformed(.notThere) }
    }
    let end = try endOfLine(bytes)
    return ProxyHeader(
      byteCount: end + 2, source: try source(bytes.extracting(start.count..<end)), isTLS: false)
  }

  /// Where the CRLF is.
  private static func endOfLine(_ bytes: Span<UInt8>) throws(ProxyHeaderStop) -> Int {
    for offset in start.count..<maxBytes - 1 {
      guard offset < bytes.count else { throw .outOfBytes }
      switch bytes[offset] {
      case 0x0D:
        guard offset + 1 < bytes.count else { throw .outOfBytes }
        guard bytes[offset + 1] == 0x0A else { throw .malformed(.badLine) }
        return offset
      case 0x0A: throw .malformed(.badLine)
      default: break
      }
    }
    throw .malformed(.tooLong)
  }

  private static func source(_ line: Span<UInt8>) throws(ProxyHeaderStop) -> PeerAddress? {
    let words = words(of: line)
    if equals(line.extracting(words[0]), "UNKNOWN") { return nil }
    let isIPv6 = equals(line.extracting(words[0]), "TCP6")
    guard words.count == 5, isIPv6 || equals(line.extracting(words[0]), "TCP4") else {
      throw .malformed(.badLine)
    }
    guard let client = address(line.extracting(words[1]), isIPv6: isIPv6),
      address(line.extracting(words[2]), isIPv6: isIPv6) != nil,
      isPort(line.extracting(words[3])), isPort(line.extracting(words[4]))
    else { throw .malformed(.badAddress) }
    return .ip(client)
  }

  /// An IPv4 address that is mapped into IPv6 is written with colons, and still the IPv4 address.
  private static func address(_ text: Span<UInt8>, isIPv6: Bool) -> IPAddress? {
    let hasColon = text.indices.contains { text[$0] == UInt8(ascii: ":") }
    return hasColon == isIPv6 ? IPAddress(text) : nil
  }

  /// Where the words are, with exactly one blank between; an empty one where there are two. At least one.
  private static func words(of line: Span<UInt8>) -> [Range<Int>] {
    var words: [Range<Int>] = []
    var start = 0
    for offset in line.indices where line[offset] == 0x20 {
      words.append(start..<offset)
      start = offset + 1
    }
    return words + [start..<line.count]
  }

  private static func isPort(_ text: Span<UInt8>) -> Bool {
    guard (1...5).contains(text.count), text.count == 1 || text[0] != UInt8(ascii: "0") else { return false }
    var number = 0
    for index in text.indices {
      guard let digit = text[index].decimalDigit else { return false }
      number = number * 10 + Int(digit)
    }
    return number <= 65_535
  }

  private static func equals(_ text: Span<UInt8>, _ word: StaticString) -> Bool {
    word.withUTF8Buffer { other in
      text.count == other.count && text.indices.allSatisfy { unsafe text[$0] == other[$0] }
    }
  }
}
