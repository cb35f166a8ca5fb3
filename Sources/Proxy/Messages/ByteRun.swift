import HTTP1

/// Neighbouring lines, or parts of them, that are copied as one.
struct ByteRun {
  private var lower = 0
  private var upper = 0

  mutating func extend(with part: ByteRange, from bytes: RawSpan, into writer: inout ByteWriter) {
    if part.lower == upper {
      upper = part.upper
    } else {
      write(from: bytes, into: &writer)
      lower = part.lower
      upper = part.upper
    }
  }

  /// Writes what has been gathered and starts anew.
  mutating func write(from bytes: RawSpan, into writer: inout ByteWriter) {
    if upper > lower { writer.append(bytes.extracting(lower..<upper)) }
    lower = 0
    upper = 0
  }
}
