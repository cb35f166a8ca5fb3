/// Says when a parse of a head that comes in pieces is worth its time.
///
/// A head that arrives byte by byte would otherwise be parsed from its start once for each byte. With this it
/// is parsed at most four times: for its first bytes, for its first line, for an empty line before that, and
/// whole.
public struct HeadProgress: Sendable {
  private let maxBytes: Int
  private var lookedAt = 0
  private var hasStarted = false
  private var hasLine = false

  /// `maxBytes` is the limit that the parse has; once so many bytes are there a parse decides.
  public init(maxBytes: Int = .max) {
    self.maxBytes = maxBytes
  }

  /// Whether a parse of `bytes` may find more than the one before did. To be asked each time bytes were
  /// added; `bytes` begins with the head's first byte each time.
  ///
  /// True for the first bytes, when the first line is complete, when an empty line has come, for an LF
  /// without CR, and at the limit. What is wrong inside a later line is so found when the head ends. Looks at
  /// each byte once.
  public mutating func mayBeComplete(_ bytes: RawSpan) -> Bool {
    guard hasStarted else {
      hasStarted = bytes.byteCount > 0
      return hasStarted
    }
    var isWorthIt = bytes.byteCount >= maxBytes
    var offset = lookedAt
    while true {
      offset = bytes.firstOffset(of: .lineFeed, from: offset, limit: bytes.byteCount)
      guard offset < bytes.byteCount else { break }
      if !hasLine || Self.endsHead(bytes, at: offset) { isWorthIt = true }
      hasLine = hasLine || offset > 1
      offset += 1
    }
    lookedAt = bytes.byteCount
    return isWorthIt
  }

  /// Starts over, for the next head on the same connection.
  public mutating func reset() {
    self = HeadProgress(maxBytes: maxBytes)
  }

  /// Whether the LF at `offset` ends an empty line or has no CR before it.
  private static func endsHead(_ bytes: RawSpan, at offset: Int) -> Bool {
    guard offset >= 1, bytes.byte(at: offset - 1) == .carriageReturn else { return true }
    return offset == 1 || bytes.byte(at: offset - 2) == .lineFeed
  }
}
