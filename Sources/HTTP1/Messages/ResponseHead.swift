/// The head of an answer (RFC 9112, 4 and 5). All offsets count from the first byte handed to `parse`.
public struct ResponseHead: Sendable {
  /// 100 to 599.
  public var status: UInt16 = 0
  /// The reason phrase; often empty.
  public var reason = ByteRange.empty
  /// The status line with its CRLF, where it is as one of HTTP/1.1 should be; else empty.
  public var line = ByteRange.empty
  /// 0 or 1; 1.2 to 1.9 count as 1 (RFC 9110, 2.5).
  public var minorVersion: UInt8 = 1
  /// How the content ends: `.none` for the answer to HEAD, for 1xx, 204 and 304; `.untilClose` when no field
  /// says.
  public var framing = BodyFraming.none
  /// What Content-Length says, for an answer to HEAD and for 304 as well.
  ///
  /// Nil without that field, and in 1xx and 204, where it has no meaning and its line is marked hop-by-hop.
  public var declaredLength: UInt64?
  /// Whether version, Connection and framing let the connection carry another answer (RFC 9112, 9.3).
  public var keepAlive = false
  /// The value of the first Location.
  public var location: ByteRange?
  /// Length of the head with its empty line.
  public var byteCount = 0

  /// Whether this is an interim answer, which another one follows (RFC 9110, 15.2). 101 is not: it ends HTTP.
  public var isInterim: Bool { status < 200 && status != 101 }

  /// Reads the head of an answer from the front of `bytes`.
  ///
  /// As strict as `RequestHead.parse`, and as early with what is wrong. `toHead` says that the request was
  /// HEAD. Time is linear in the bytes looked at, at most `limits.maxBytes`; nothing is allocated. `fields`
  /// holds the field lines when the result is a head.
  public static func parse(
    _ bytes: RawSpan, toHead: Bool, limits: HeadLimits, fields: inout FieldTable
  ) -> HeadParse<ResponseHead> {
    let end = limits.window(bytes.byteCount)
    var head = ResponseHead()
    var offset = 0
    fields.removeAll()
    do throws(HeadStop) {
      try head.readStatusLine(bytes, at: &offset, end: end)
      var section = FieldSection(isRequest: false, minorVersion: head.minorVersion)
      try section.read(bytes, at: &offset, end: end, maxFields: limits.maxFields, into: &fields)
      try head.conclude(section, toHead: toHead, &fields)
      head.byteCount = offset
      return .head(head)
    } catch {
      return error.outcome(bytes, limits, tooLong: .headTooLong)
    }
  }

  /// RFC 9112, 4. The space before an empty reason may be missing.
  private mutating func readStatusLine(
    _ bytes: RawSpan, at offset: inout Int, end: Int
  ) throws(HeadStop) {
    let version = try StartLine.readVersion(bytes, at: &offset, end: end, orElse: .invalidStatusLine)
    try StartLine.readByte(.space, bytes, at: &offset, end: end, orElse: .invalidStatusLine)
    guard version.major == 1 else { throw .malformed(.unsupportedVersion) }
    minorVersion = min(version.minor, 1)
    for _ in 0..<3 {
      let digit = try StartLine.readDigit(bytes, at: &offset, end: end, orElse: .invalidStatusLine)
      status = status &* 10 &+ UInt16(digit)
    }
    guard 100...599 ~= status else { throw .malformed(.invalidStatus) }
    if offset < end, bytes.byte(at: offset) == .space {
      let start = offset + 1
      offset = bytes.endOfFieldText(from: start, limit: end)
      reason = ByteRange(lower: start, upper: offset)
    }
    try StartLine.readLineEnd(bytes, at: &offset, end: end, orElse: .invalidStatusLine)
    if version.minor == 1, reason.lower > 0 { line = ByteRange(lower: 0, upper: offset) }
  }

  /// RFC 9112, 6.3.
  private mutating func conclude(
    _ section: FieldSection, toHead: Bool, _ fields: inout FieldTable
  ) throws(HeadStop) {
    let isChunked = try section.coding.isChunked()
    keepAlive = section.keepAlive
    location = section.location
    if status < 200 || status == 204 {
      guard !isChunked else { throw .malformed(.transferEncodingWithoutContent) }
      for index in 0..<fields.count where fields[index].id == .contentLength { fields.markHopByHop(index) }
      return
    }
    declaredLength = section.contentLength
    if toHead || status == 304 {
      framing = .none
    } else if isChunked {
      framing = .chunked
    } else if let declaredLength {
      framing = .length(declaredLength)
    } else {
      framing = .untilClose
      keepAlive = false
    }
  }
}
