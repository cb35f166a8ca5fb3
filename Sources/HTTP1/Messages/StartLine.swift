/// What request line and status line have in common. Each reads at `offset`, moves it past what was read, and
/// throws as soon as a byte is wrong; running out of bytes before that is no error.
enum StartLine {
  /// `HTTP/d.d` (RFC 9112, 2.3); the name is case-sensitive.
  static func readVersion(
    _ bytes: RawSpan, at offset: inout Int, end: Int, orElse wrong: MalformedMessage
  ) throws(HeadStop) -> (major: UInt8, minor: UInt8) {
    if end - offset >= 8, bytes.has("HTTP/1.", at: offset) {
      let minor = bytes.byte(at: offset + 7)
      guard minor.isDigit else { throw .malformed(wrong) }
      offset += 8
      return (1, minor &- 0x30)
    }
    let name: InlineArray<5, UInt8> = [0x48, 0x54, 0x54, 0x50, 0x2F]
    for index in name.indices {
      try readByte(name[index], bytes, at: &offset, end: end, orElse: wrong)
    }
    let major = try readDigit(bytes, at: &offset, end: end, orElse: wrong)
    try readByte(.dot, bytes, at: &offset, end: end, orElse: wrong)
    return (major, try readDigit(bytes, at: &offset, end: end, orElse: wrong))
  }

  @inline(__always)
  static func readByte(
    _ expected: UInt8, _ bytes: RawSpan, at offset: inout Int, end: Int, orElse wrong: MalformedMessage
  ) throws(HeadStop) {
    guard offset < end else { throw .outOfBytes }
    guard bytes.byte(at: offset) == expected else { throw .malformed(wrong) }
    offset += 1
  }

  @inline(__always)
  static func readDigit(
    _ bytes: RawSpan, at offset: inout Int, end: Int, orElse wrong: MalformedMessage
  ) throws(HeadStop) -> UInt8 {
    guard offset < end else { throw .outOfBytes }
    let byte = bytes.byte(at: offset)
    guard byte.isDigit else { throw .malformed(wrong) }
    offset += 1
    return byte &- 0x30
  }

  /// CRLF and nothing else (RFC 9112, 2.2 lets a recipient take a bare LF; this one does not).
  @inline(__always)
  static func readLineEnd(
    _ bytes: RawSpan, at offset: inout Int, end: Int, orElse wrong: MalformedMessage
  ) throws(HeadStop) {
    guard offset < end else { throw .outOfBytes }
    switch bytes.byte(at: offset) {
    case .carriageReturn: break
    case .lineFeed: throw .malformed(.bareLineFeed)
    default: throw .malformed(wrong)
    }
    guard offset &+ 1 < end else { throw .outOfBytes }
    guard bytes.byte(at: offset &+ 1) == .lineFeed else { throw .malformed(.bareCarriageReturn) }
    offset &+= 2
  }
}
