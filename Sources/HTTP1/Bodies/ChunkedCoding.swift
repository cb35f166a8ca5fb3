/// The line before a chunk's data (RFC 9112, 7.1): `size [; extensions] CRLF`.
///
/// The line stays at the front of the buffer until it is complete; this remembers how far it was read.
struct ChunkLine {
  static var maxBytes: Int { 4096 }
  private static var maxDigits: Int { 16 }

  private enum Part {
    case size
    case blanksAfterSize
    case extensions
    case lineEnd
  }

  private var part = Part.size
  /// Bytes of the line read so far; the whole line with its CRLF once it is complete.
  private(set) var length = 0
  /// Hexadecimal digits of the size.
  private(set) var digits = 0
  /// At most `Int64.max`.
  private(set) var size: UInt64 = 0

  /// Reads on; true when the line is complete.
  mutating func advance(_ line: borrowing Sieve) throws(MalformedMessage) -> Bool {
    while length < line.remaining {
      guard length < Self.maxBytes else { throw .chunkLineTooLong }
      let isComplete = try take(line.byte(at: length))
      length += 1
      if isComplete { return true }
    }
    return false
  }

  private mutating func take(_ byte: UInt8) throws(MalformedMessage) -> Bool {
    switch (part, byte) {
    case (.lineEnd, .lineFeed): return true
    case (.lineEnd, _): throw .bareCarriageReturn
    case (_, .lineFeed): throw .bareLineFeed
    case (.size, _): try takeSize(byte)
    case (.blanksAfterSize, .semicolon): part = .extensions
    case (.blanksAfterSize, _): guard byte.isBlank else { throw .invalidChunkSize }
    case (.extensions, .carriageReturn): part = .lineEnd
    case (.extensions, _): guard byte.isFieldText else { throw .invalidChunkExtension }
    }
    return false
  }

  private mutating func takeSize(_ byte: UInt8) throws(MalformedMessage) {
    if let value = byte.hexadecimalValue {
      guard digits < Self.maxDigits else { throw .invalidChunkSize }
      guard size >> 59 == 0 else { throw .chunkTooLarge }
      size = size << 4 | UInt64(value)
      digits += 1
      return
    }
    guard digits > 0 else { throw .invalidChunkSize }
    switch byte {
    case .carriageReturn: part = .lineEnd
    case .semicolon: part = .extensions
    case .space, .horizontalTab: part = .blanksAfterSize
    default: throw .invalidChunkSize
    }
  }
}

/// The field lines after the last chunk (RFC 9112, 7.1.2), held to the same rules as those of a head, up to
/// but without the empty line that ends them.
struct TrailerSection {
  private static var maxBytes: Int { 8192 }

  private enum Part {
    case lineStart
    case name
    case value
    case lineEnd
  }

  private var part = Part.lineStart
  private var length = 0

  /// Drops lines from the front; true when the CRLF that ends the section comes next.
  mutating func advance(_ sieve: inout Sieve) throws(MalformedMessage) -> Bool {
    while sieve.remaining > 0 {
      let byte = sieve.byte(at: 0)
      if part == .lineStart, byte == .carriageReturn {
        return try sieve.hasLineEnd(orElse: .bareCarriageReturn)
      }
      try take(byte)
      sieve.drop(1)
    }
    return false
  }

  private mutating func take(_ byte: UInt8) throws(MalformedMessage) {
    guard length < Self.maxBytes else { throw .trailersTooLong }
    length += 1
    switch (part, byte) {
    case (.lineEnd, .lineFeed): part = .lineStart
    case (.lineEnd, _): throw .bareCarriageReturn
    case (_, .lineFeed): throw .bareLineFeed
    case (.value, .carriageReturn): part = .lineEnd
    case (.value, _): guard byte.isFieldText else { throw .invalidFieldValue }
    case (.name, .colon): part = .value
    case (.name, .carriageReturn): throw .missingColon
    case (.name, .space), (.name, .horizontalTab): throw .spaceBeforeColon
    case (.lineStart, .colon): throw .emptyFieldName
    case (.lineStart, .space), (.lineStart, .horizontalTab): throw .lineFolding
    case (.lineStart, _), (.name, _):
      guard ByteSet.token.contains(byte) else { throw .invalidFieldName }
      part = .name
    }
  }
}
