import URLMap

/// Cuts pieces of bytes into lines.
struct LineSplitter {
  /// A longer line is none that a server could have written or would read.
  static let longestLine = 64 << 10

  enum Line {
    case text
    /// Longer than `longestLine`: passed over up to its end.
    case tooLong
  }

  private var rest: [UInt8] = []
  private var isSkipping = false
  /// How many lines were given out.
  private(set) var lines = 0

  /// Calls `body` with each line that ends in `piece`, without its line feed.
  mutating func take<E: Error>(
    _ piece: [UInt8], _ body: (_ line: RawSpan, _ kind: Line, _ number: Int) throws(E) -> Void
  ) throws(E) {
    guard !rest.isEmpty else { return try cut(piece, body) }
    var whole: [UInt8] = []
    swap(&whole, &rest)
    whole.append(contentsOf: piece)
    try cut(whole, body)
  }

  private mutating func cut<E: Error>(
    _ bytes: [UInt8], _ body: (_ line: RawSpan, _ kind: Line, _ number: Int) throws(E) -> Void
  ) throws(E) {
    var start = 0
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    let span = unsafe bytes.span.bytes
    while let end = Lines.end(in: bytes.span, from: start) {
      try give(span.extracting(start..<end), body)
      start = end + 1
    }
    if isSkipping { return }
    if bytes.count - start > Self.longestLine {
      lines += 1
      isSkipping = true
      try body(span.extracting(start..<start), .tooLong, lines)
    } else {
      rest = Array(bytes[start...])
    }
  }

  /// Calls `body` with the last line, if it has no line feed.
  mutating func end<E: Error>(
    _ body: (_ line: RawSpan, _ kind: Line, _ number: Int) throws(E) -> Void
  ) throws(E) {
    let last = rest
    rest = []
    if !last.isEmpty { try give(unsafe last.span.bytes, body) }
    isSkipping = false
  }

  private mutating func give<E: Error>(
    _ line: RawSpan, _ body: (_ line: RawSpan, _ kind: Line, _ number: Int) throws(E) -> Void
  ) throws(E) {
    if isSkipping {
      isSkipping = false
      return
    }
    lines += 1
    try body(line, line.byteCount > Self.longestLine ? .tooLong : .text, lines)
  }
}
