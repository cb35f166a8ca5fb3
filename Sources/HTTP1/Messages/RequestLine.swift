extension RequestHead {
  private static var maxMethodBytes: Int { 32 }

  /// Reads the request line (RFC 9112, 3) and at most one empty line before it (2.2).
  mutating func readRequestLine(_ bytes: RawSpan, at offset: inout Int, end: Int) throws(HeadStop) {
    if offset < end, bytes.byte(at: offset) == .carriageReturn {
      try StartLine.readLineEnd(bytes, at: &offset, end: end, orElse: .invalidMethod)
    }
    try readMethod(bytes, at: &offset, end: end)
    try readTarget(bytes, at: &offset, end: end)
    let version = try StartLine.readVersion(bytes, at: &offset, end: end, orElse: .invalidVersion)
    try StartLine.readLineEnd(bytes, at: &offset, end: end, orElse: .invalidVersion)
    guard version.major == 1 else { throw .malformed(.unsupportedVersion) }
    minorVersion = min(version.minor, 1)
    if version.minor == 1, targetForm == .origin { line = ByteRange(lower: methodName.lower, upper: offset) }
  }

  private mutating func readMethod(_ bytes: RawSpan, at offset: inout Int, end: Int) throws(HeadStop) {
    let start = offset
    let nameEnd = bytes.endOfToken(from: start, limit: min(end, start + Self.maxMethodBytes + 1))
    guard nameEnd - start <= Self.maxMethodBytes else { throw .malformed(.methodTooLong) }
    guard nameEnd < end else { throw .outOfBytes }
    let byte = bytes.byte(at: nameEnd)
    guard byte == .space, nameEnd > start else {
      throw .malformed(Self.separatorError(byte, isFirst: nameEnd == start, orElse: .invalidMethod))
    }
    methodName = ByteRange(lower: start, upper: nameEnd)
    method = Method.find(bytes, methodName)
    guard method != .connect else { throw .malformed(.connectUnsupported) }
    offset = nameEnd + 1
  }

  private mutating func readTarget(_ bytes: RawSpan, at offset: inout Int, end: Int) throws(HeadStop) {
    let start = offset
    let targetEnd = bytes.endOfTarget(from: start, limit: end)
    guard targetEnd < end else { throw .outOfBytes }
    let byte = bytes.byte(at: targetEnd)
    guard byte == .space, targetEnd > start else {
      throw .malformed(Self.separatorError(byte, isFirst: targetEnd == start, orElse: .invalidTarget))
    }
    target = ByteRange(lower: start, upper: targetEnd)
    do throws(MalformedMessage) {
      try splitTarget(bytes)
    } catch {
      throw .malformed(error)
    }
    offset = targetEnd + 1
  }

  /// What a byte means that stands where a space should.
  private static func separatorError(
    _ byte: UInt8, isFirst: Bool, orElse wrong: MalformedMessage
  ) -> MalformedMessage {
    switch byte {
    case .lineFeed: .bareLineFeed
    case .carriageReturn where !isFirst: .invalidRequestLine
    default: wrong
    }
  }

  private mutating func splitTarget(_ bytes: RawSpan) throws(MalformedMessage) {
    switch bytes.byte(at: target.lower) {
    case .slash:
      targetForm = .origin
      pathAndQuery = target
    case UInt8(ascii: "*") where target.count == 1:
      guard method == .options else { throw .asteriskWithoutOptions }
      targetForm = .asterisk
      return
    default:
      try splitAbsoluteTarget(bytes)
    }
    path = pathAndQuery
    path.upper = bytes.firstOffset(of: .questionMark, from: path.lower, limit: path.upper)
  }

  /// `http://authority/path?query`. A query without a path is refused: its origin form would need a byte that
  /// was not sent.
  private mutating func splitAbsoluteTarget(_ bytes: RawSpan) throws(MalformedMessage) {
    let colon = bytes.firstOffset(of: .colon, from: target.lower, limit: target.upper)
    let scheme = ByteRange(lower: target.lower, upper: colon)
    guard bytes.equals(scheme, ignoringCase: "http") || bytes.equals(scheme, ignoringCase: "https"),
      colon + 3 <= target.upper, bytes.has("://", at: colon)
    else { throw .invalidTarget }
    let start = colon + 3
    let authorityEnd = bytes.firstOffset(of: .slash, from: start, limit: target.upper)
    let host = ByteRange(lower: start, upper: authorityEnd)
    guard Authority.isValid(bytes, host) else { throw .invalidTargetAuthority }
    targetForm = .absolute
    authority = host
    pathAndQuery = ByteRange(lower: authorityEnd, upper: target.upper)
  }
}
