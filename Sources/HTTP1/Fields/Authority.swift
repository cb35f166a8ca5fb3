/// Checks `host[:port]` (RFC 9110, 4.2.3 and 7.2; RFC 3986, 3.2.2) more strictly than they are written: there
/// is a host, a port has one to five digits up to 65535, and neither user information nor a comma is taken.
enum Authority {
  static func isValid(_ bytes: RawSpan, _ range: ByteRange) -> Bool {
    guard !range.isEmpty else { return false }
    let hostEnd: Int
    if bytes.byte(at: range.lower) == UInt8(ascii: "[") {
      let close = bytes.firstOffset(of: UInt8(ascii: "]"), from: range.lower, limit: range.upper)
      guard close < range.upper, isIPv6(bytes, ByteRange(lower: range.lower + 1, upper: close)) else {
        return false
      }
      hostEnd = close + 1
    } else {
      hostEnd = endOfRegisteredName(bytes, range)
      guard hostEnd > range.lower else { return false }
    }
    guard hostEnd < range.upper else { return true }
    return bytes.byte(at: hostEnd) == .colon
      && isPort(bytes, ByteRange(lower: hostEnd + 1, upper: range.upper))
  }

  /// Where a name or an IPv4 address ends; what follows is a colon, the end, or wrong.
  private static func endOfRegisteredName(_ bytes: RawSpan, _ range: ByteRange) -> Int {
    var offset = range.lower
    while true {
      offset = bytes.endOfPlainHost(from: offset, limit: range.upper)
      offset = bytes.end(of: .registeredName, from: offset, limit: range.upper)
      guard offset + 2 < range.upper, bytes.byte(at: offset) == UInt8(ascii: "%"),
        bytes.byte(at: offset + 1).hexadecimalValue != nil, bytes.byte(at: offset + 2).hexadecimalValue != nil
      else { return offset }
      offset += 3
    }
  }

  private static func isPort(_ bytes: RawSpan, _ range: ByteRange) -> Bool {
    guard 1...5 ~= range.count else { return false }
    var port = 0
    for offset in range.lower..<range.upper {
      let byte = bytes.byte(at: offset)
      guard byte.isDigit else { return false }
      port = port * 10 + Int(byte &- 0x30)
    }
    return port <= 65535
  }

  /// RFC 3986, 3.2.2: up to eight groups of hexadecimal digits, one run of them left out as `::`, the last
  /// two perhaps an IPv4 address. No zone.
  private static func isIPv6(_ bytes: RawSpan, _ range: ByteRange) -> Bool {
    var groups = 0
    var compressed = false
    var offset = range.lower
    if range.count >= 2, bytes.has("::", at: offset) {
      compressed = true
      offset += 2
    }
    while offset < range.upper {
      let start = offset
      while offset < range.upper, bytes.byte(at: offset).hexadecimalValue != nil { offset += 1 }
      if offset < range.upper, bytes.byte(at: offset) == .dot {
        guard isIPv4(bytes, ByteRange(lower: start, upper: range.upper)) else { return false }
        groups += 2
        break
      }
      guard 1...4 ~= offset - start else { return false }
      groups += 1
      guard offset < range.upper else { break }
      guard bytes.byte(at: offset) == .colon, offset + 1 < range.upper else { return false }
      offset += 1
      if bytes.byte(at: offset) == .colon {
        guard !compressed else { return false }
        compressed = true
        offset += 1
      }
    }
    return compressed ? groups < 8 : groups == 8
  }

  private static func isIPv4(_ bytes: RawSpan, _ range: ByteRange) -> Bool {
    var offset = range.lower
    for part in 0..<4 {
      if part > 0 {
        guard offset < range.upper, bytes.byte(at: offset) == .dot else { return false }
        offset += 1
      }
      let start = offset
      var value = 0
      while offset < range.upper, offset - start < 3, bytes.byte(at: offset).isDigit {
        value = value * 10 + Int(bytes.byte(at: offset) &- 0x30)
        offset += 1
      }
      guard offset > start, value <= 255 else { return false }
    }
    return offset == range.upper
  }
}
