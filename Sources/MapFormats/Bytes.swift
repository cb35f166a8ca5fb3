extension [UInt8] {
  /// Appends the bytes of `span`.
  mutating func append(_ span: RawSpan) {
    // The pointer is used inside the closure only.
    unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }

  mutating func append(_ text: String) {
    append(contentsOf: text.utf8)
  }
}

extension RawSpan {
  /// The byte at `offset`, which must be inside.
  func byte(at offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount, "the offset lies outside the span")
    // Checked above; a byte has no alignment.
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  func firstOffset(of wanted: UInt8, from start: Int = 0) -> Int? {
    var offset = start
    while offset < byteCount {
      if byte(at: offset) == wanted { return offset }
      offset += 1
    }
    return nil
  }

  func equals(_ text: StaticString) -> Bool {
    byteCount == text.utf8CodeUnitCount && hasPrefix(text)
  }

  func hasPrefix(_ text: StaticString) -> Bool {
    guard byteCount >= text.utf8CodeUnitCount else { return false }
    for offset in 0..<text.utf8CodeUnitCount
    // A static string's bytes live as long as the program; the offset is inside.
    where unsafe text.utf8Start[offset] != byte(at: offset) { return false }
    return true
  }

  func contains(where matches: (UInt8) -> Bool) -> Bool {
    for offset in 0..<byteCount where matches(byte(at: offset)) { return true }
    return false
  }
}

extension UInt8 {
  var isUppercaseLetter: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
  var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
  var isLetterOrDigit: Bool {
    isDigit || isUppercaseLetter || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self)
  }
  /// ASCII's lower case.
  var lowercased: UInt8 { isUppercaseLetter ? self | 0x20 : self }
}
