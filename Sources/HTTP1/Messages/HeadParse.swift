/// How large a head may be. Reached limits are answered 414 or 431 (RFC 6585, 5).
public struct HeadLimits: Sendable {
  /// Bytes of a head with its start line and empty line; at most `Int32.max`.
  public var maxBytes: Int
  /// Field lines of a head. The capacity of the `FieldTable` bounds them as well.
  public var maxFields: Int

  public init(maxBytes: Int, maxFields: Int) {
    self.maxBytes = maxBytes
    self.maxFields = maxFields
  }

  /// How many of `count` bytes may be looked at. Offsets are 32 bits wide, hence the second bound.
  func window(_ count: Int) -> Int {
    max(0, min(count, maxBytes, Int(Int32.max)))
  }
}

/// What a look at the bytes of a head came to.
public enum HeadParse<Head: Sendable>: Sendable {
  /// Right so far; more bytes are needed.
  case incomplete
  /// A whole head.
  case head(Head)
  /// Wrong, whatever follows: answer and close.
  case malformed(MalformedMessage)
}

/// Why reading a head stopped before its end.
enum HeadStop: Error {
  case outOfBytes
  case malformed(MalformedMessage)

  /// What to tell the caller. Out of bytes at the limit means too long, and `tooLong` says what is.
  func outcome<Head>(_ bytes: RawSpan, _ limits: HeadLimits, tooLong: MalformedMessage) -> HeadParse<Head> {
    switch self {
    case .malformed(let reason): .malformed(reason)
    case .outOfBytes: bytes.byteCount < limits.window(.max) ? .incomplete : .malformed(tooLong)
    }
  }
}

/// How the end of a message's content is found (RFC 9112, 6.3).
public enum BodyFraming: Sendable, Equatable {
  /// There is no content.
  case none
  /// As many bytes as Content-Length says; may be 0.
  case length(UInt64)
  /// The chunked transfer coding.
  case chunked
  /// All bytes until the connection closes; answers only.
  case untilClose
}
