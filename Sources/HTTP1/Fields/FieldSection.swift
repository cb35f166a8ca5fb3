/// Reads the field lines of a head into a table, and gathers on the way what the lines say together.
struct FieldSection {
  /// Of which message the lines are, as far as that changes their meaning.
  let isRequest: Bool
  let minorVersion: UInt8

  private(set) var contentLength: UInt64?
  private(set) var coding = TransferCoding.none
  private(set) var connection = ConnectionOptions()
  /// The value of the one Host of a request.
  private(set) var host: ByteRange?
  /// The value of the first Location.
  private(set) var location: ByteRange?
  private(set) var hasUpgrade = false
  /// HTTP/2 is among what an Upgrade field offers. Through such a tunnel requests would reach the origin that nobody
  /// has looked at, so it is not opened; the client goes on in HTTP/1.1 (RFC 9110, 7.8).
  private(set) var offersH2C = false
  private(set) var expectsContinue = false

  init(isRequest: Bool, minorVersion: UInt8) {
    self.isRequest = isRequest
    self.minorVersion = minorVersion
  }

  /// Whether the connection can carry another message as far as the fields say (RFC 9112, 9.3).
  var keepAlive: Bool {
    guard !connection.options.contains(.close) else { return false }
    return minorVersion >= 1 || connection.options.contains(.keepAlive)
  }

  /// Reads to the empty line, past which `offset` is left.
  mutating func read(
    _ bytes: RawSpan, at offset: inout Int, end: Int, maxFields: Int, into fields: inout FieldTable
  ) throws(HeadStop) {
    let maxFields = min(maxFields, fields.capacity)
    let end = min(end, bytes.byteCount)
    offset = max(offset, 0)
    while true {
      guard offset < end else { throw .outOfBytes }
      guard bytes.knownByte(at: offset) != .carriageReturn else { break }
      guard fields.count < maxFields else { throw .malformed(.tooManyFields) }
      let line = try Self.readLine(bytes, at: &offset, end: end)
      fields.append(line)
      if Self.isTaken(line.id) { try take(line, bytes) }
    }
    try StartLine.readLineEnd(bytes, at: &offset, end: end, orElse: .bareCarriageReturn)
    if connection.namesFields { connection.mark(&fields, bytes) }
  }

  /// RFC 9112, 5: name, colon, blanks, value, blanks, CRLF.
  @inline(__always)
  private static func readLine(
    _ bytes: RawSpan, at offset: inout Int, end: Int
  ) throws(HeadStop) -> FieldLine {
    let start = offset
    let nameEnd = bytes.endOfToken(from: start, limit: end)
    guard nameEnd < end else { throw .outOfBytes }
    guard nameEnd > start, bytes.knownByte(at: nameEnd) == .colon else {
      throw .malformed(nameError(bytes.knownByte(at: nameEnd), isFirst: nameEnd == start))
    }
    var valueStart = nameEnd &+ 1
    while valueStart < end, bytes.knownByte(at: valueStart).isBlank { valueStart &+= 1 }
    var valueEnd = bytes.endOfFieldText(from: valueStart, limit: end)
    offset = valueEnd
    try StartLine.readLineEnd(bytes, at: &offset, end: end, orElse: .invalidFieldValue)
    while valueEnd > valueStart, bytes.knownByte(at: valueEnd &- 1).isBlank { valueEnd &-= 1 }
    let name = ByteRange(known: start, nameEnd)
    let id = FieldName.find(bytes, name)
    return FieldLine(
      id: id, name: name, value: ByteRange(known: valueStart, valueEnd),
      line: ByteRange(known: start, offset), isHopByHop: id.isHopByHop)
  }

  /// Whether lines of this name say something that ``take(_:_:)`` has to hear.
  @inline(__always)
  private static func isTaken(_ id: FieldName) -> Bool {
    switch id {
    case .connection, .contentLength, .transferEncoding, .host, .upgrade, .expect, .location: true
    default: false
    }
  }

  private static func nameError(_ byte: UInt8, isFirst: Bool) -> MalformedMessage {
    switch byte {
    case .lineFeed: .bareLineFeed
    case .colon: .emptyFieldName
    case .carriageReturn: .missingColon
    case .space, .horizontalTab: isFirst ? .lineFolding : .spaceBeforeColon
    default: .invalidFieldName
    }
  }

  private mutating func take(_ line: FieldLine, _ bytes: RawSpan) throws(HeadStop) {
    do throws(MalformedMessage) {
      switch line.id {
      case .connection: try connection.read(bytes, line.value)
      case .contentLength: try takeContentLength(line, bytes)
      case .transferEncoding: try takeTransferEncoding(line, bytes)
      case .host where isRequest: try takeHost(line, bytes)
      case .upgrade:
        hasUpgrade = hasUpgrade || !line.value.isEmpty
        offersH2C = offersH2C || bytes.contains("h2c", in: line.value)
      case .expect where minorVersion >= 1:
        expectsContinue = expectsContinue || bytes.equals(line.value, ignoringCase: "100-continue")
      case .location: location = location ?? line.value
      default: break
      }
    } catch {
      throw .malformed(error)
    }
  }

  private mutating func takeHost(_ line: FieldLine, _ bytes: RawSpan) throws(MalformedMessage) {
    guard host == nil else { throw .duplicateHost }
    guard Authority.isValid(bytes, line.value) else { throw .invalidHost }
    host = line.value
  }

  /// RFC 9110, 8.6, without its leave to take equal numbers twice.
  private mutating func takeContentLength(_ line: FieldLine, _ bytes: RawSpan) throws(MalformedMessage) {
    guard coding == .none else { throw .contentLengthWithTransferEncoding }
    guard contentLength == nil else { throw .duplicateContentLength }
    guard !line.value.isEmpty else { throw .invalidContentLength }
    var length: Int64 = 0
    for offset in line.value.lower..<line.value.upper {
      let byte = bytes.byte(at: offset)
      guard byte.isDigit else { throw .invalidContentLength }
      let (tenfold, overflow) = length.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tenfold.addingReportingOverflow(Int64(byte &- 0x30))
      guard !overflow, !carry else { throw .invalidContentLength }
      length = sum
    }
    contentLength = UInt64(length)
  }

  private mutating func takeTransferEncoding(_ line: FieldLine, _ bytes: RawSpan) throws(MalformedMessage) {
    guard minorVersion >= 1 else { throw .transferEncodingInHTTP10 }
    guard contentLength == nil else { throw .contentLengthWithTransferEncoding }
    try coding.read(bytes, line.value)
  }
}

/// What the Transfer-Encoding lines read so far add up to (RFC 9112, 6.1).
enum TransferCoding: Equatable {
  case none
  case chunked
  /// Codings that are not implemented, and no chunked yet.
  case foreign
  /// The same, then chunked.
  case foreignThenChunked

  mutating func read(_ bytes: RawSpan, _ value: ByteRange) throws(MalformedMessage) {
    var list = FieldList(value)
    while let coding = list.next(bytes) {
      guard !coding.isEmpty, bytes.endOfToken(from: coding.lower, limit: coding.upper) == coding.upper else {
        throw .invalidTransferEncoding
      }
      let isChunked = bytes.equals(coding, ignoringCase: "chunked")
      switch self {
      case .none: self = isChunked ? .chunked : .foreign
      case .foreign: self = isChunked ? .foreignThenChunked : .foreign
      case .chunked, .foreignThenChunked: throw .invalidTransferEncoding
      }
    }
  }

  /// Whether the content is chunked, once all lines are read.
  func isChunked() throws(HeadStop) -> Bool {
    switch self {
    case .none: false
    case .chunked: true
    case .foreign: throw .malformed(.invalidTransferEncoding)
    case .foreignThenChunked: throw .malformed(.unsupportedTransferCoding)
    }
  }
}

/// Steps through the elements of a comma-separated value, blanks trimmed. An empty value has one empty
/// element.
struct FieldList {
  private var rest: ByteRange?

  init(_ value: ByteRange) {
    rest = value
  }

  mutating func next(_ bytes: RawSpan) -> ByteRange? {
    guard let rest else { return nil }
    let comma = bytes.firstOffset(of: .comma, from: rest.lower, limit: rest.upper)
    self.rest = comma < rest.upper ? ByteRange(lower: comma + 1, upper: rest.upper) : nil
    return bytes.trimmingBlanks(ByteRange(lower: rest.lower, upper: comma))
  }
}
