extension IPAddress: CustomStringConvertible {
  /// Reads `192.0.2.1` or `2001:db8::1`, without brackets, port or zone; nil for all else.
  ///
  /// Of IPv4 only the form with four decimal numbers is taken, without zeros before them: a reader that takes `010` for
  /// eight and one that takes it for ten would see two clients.
  public init?(_ text: Span<UInt8>) {
    if let bits = Self.ipv4(text) {
      self.init(ipv4: bits)
    } else if let bits = Self.ipv6(text) {
      self.init(ipv6: bits)
    } else {
      return nil
    }
  }

  public init?(_ text: String) {
    self.init(Array(text.utf8).span)
  }

  private static func ipv4(_ text: Span<UInt8>) -> UInt32? {
    guard text.count <= 15 else { return nil }
    var bits: UInt32 = 0
    var parts = 0
    var offset = 0
    while parts < 4 {
      if parts > 0 {
        guard offset < text.count, text[offset] == UInt8(ascii: ".") else { return nil }
        offset += 1
      }
      let start = offset
      var part: UInt32 = 0
      while offset < text.count, offset - start < 3, let digit = text[offset].decimalDigit {
        part = part * 10 + UInt32(digit)
        offset += 1
      }
      guard offset > start, part <= 255, offset - start == 1 || text[start] != UInt8(ascii: "0") else {
        return nil
      }
      bits = bits << 8 | part
      parts += 1
    }
    return offset == text.count ? bits : nil
  }

  /// RFC 4291, 2.2: groups of hexadecimal digits, of which `::` stands for one or more zeros; the last two may be
  /// written as IPv4.
  private static func ipv6(_ text: Span<UInt8>) -> UInt128? {
    let colon = UInt8(ascii: ":")
    guard text.count >= 2, text.count <= 45 else { return nil }
    var bits: UInt128 = 0
    var groups = 0
    var groupsBeforeGap: Int?
    var offset = 0
    if text[0] == colon {
      guard text[1] == colon else { return nil }
      groupsBeforeGap = 0
      offset = 2
    }
    while offset < text.count {
      let start = offset
      var group: UInt128 = 0
      while offset < text.count, offset - start < 4, let digit = text[offset].hexadecimalDigit {
        group = group << 4 | UInt128(digit)
        offset += 1
      }
      guard offset > start, groups < 8 else { return nil }
      if offset < text.count, text[offset] == UInt8(ascii: ".") {
        guard groups <= 6, let last = ipv4(text.extracting(start..<text.count)) else { return nil }
        bits = bits << 32 | UInt128(last)
        groups += 2
        break
      }
      bits = bits << 16 | group
      groups += 1
      if offset == text.count { break }
      guard text[offset] == colon, offset + 1 < text.count else { return nil }
      offset += 1
      if text[offset] == colon {
        guard groupsBeforeGap == nil else { return nil }
        groupsBeforeGap = groups
        offset += 1
      }
    }
    guard let groupsBeforeGap else { return groups == 8 ? bits : nil }
    guard groups < 8 else { return nil }
    let bitsBehind = 16 * (groups - groupsBeforeGap)
    let behind = bits & ((1 << bitsBehind) - 1)
    return (bits >> bitsBehind) << (128 - 16 * groupsBeforeGap) | behind
  }

  /// As RFC 5952 writes it: `192.0.2.1`, `2001:db8::1`.
  public var description: String { String(decoding: text, as: UTF8.self) }

  /// The same in ASCII. One allocation: each connection of a client has its address written.
  public var text: [UInt8] {
    var text: [UInt8] = []
    switch family {
    case .ipv4:
      text.reserveCapacity(15)
      for part in 0..<4 {
        if part > 0 { text.append(UInt8(ascii: ".")) }
        Self.append(UInt8(truncatingIfNeeded: bits >> (24 - 8 * part)), to: &text)
      }
    case .ipv6:
      text.reserveCapacity(39)
      let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> (112 - 16 * $0)) }
      guard let gap = Self.longestRunOfZeros(groups) else {
        Self.append(groups[...], to: &text)
        break
      }
      Self.append(groups[..<gap.lowerBound], to: &text)
      text += [UInt8(ascii: ":"), UInt8(ascii: ":")]
      Self.append(groups[gap.upperBound...], to: &text)
    }
    return text
  }

  private static func append(_ number: UInt8, to text: inout [UInt8]) {
    if number >= 100 { text.append(0x30 + number / 100) }
    if number >= 10 { text.append(0x30 + number / 10 % 10) }
    text.append(0x30 + number % 10)
  }

  private static func append(_ groups: ArraySlice<UInt16>, to text: inout [UInt8]) {
    for (place, group) in groups.enumerated() {
      if place > 0 { text.append(UInt8(ascii: ":")) }
      text += String(group, radix: 16).utf8
    }
  }

  /// The first of the longest, of two groups or more.
  private static func longestRunOfZeros(_ groups: [UInt16]) -> Range<Int>? {
    var longest = 0..<1
    var start = 0
    while start < groups.count {
      var end = start
      while end < groups.count, groups[end] == 0 { end += 1 }
      if end - start > longest.count { longest = start..<end }
      start = end + 1
    }
    return longest.count > 1 ? longest : nil
  }
}

extension UInt8 {
  var decimalDigit: UInt8? { self >= 0x30 && self <= 0x39 ? self - 0x30 : nil }

  fileprivate var hexadecimalDigit: UInt8? {
    if let decimalDigit { return decimalDigit }
    let letter = self | 0x20
    return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : nil
  }
}
