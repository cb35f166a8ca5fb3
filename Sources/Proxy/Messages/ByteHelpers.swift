import HTTP1

extension ByteWriter {
  mutating func append(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { unsafe append($0) }
  }
}

extension ByteRange {
  var range: Range<Int> { lower..<upper }
}

extension UInt8 {
  /// The small letter of an ASCII capital; any other byte as it is.
  var lowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }
}

extension RawSpan {
  /// The byte at an offset; 0 past the end.
  func byte(at offset: Int) -> UInt8 {
    offset >= 0 && offset < byteCount ? unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) : 0
  }

  /// Whether `other` stands at an offset.
  func has(_ other: [UInt8], at offset: Int) -> Bool {
    offset >= 0 && other.count <= byteCount - offset
      && other.indices.allSatisfy { byte(at: offset + $0) == other[$0] }
  }

  /// Whether the bytes are the same but for the case of ASCII letters.
  func equalsIgnoringCase(_ other: some RandomAccessCollection<UInt8>) -> Bool {
    byteCount == other.count
      && zip(0..<byteCount, other).allSatisfy { byte(at: $0).lowercased == $1.lowercased }
  }

  /// Whether the bytes are `text` but for the case of ASCII letters.
  func equalsIgnoringCase(_ text: StaticString) -> Bool {
    byteCount == text.utf8CodeUnitCount && beginsIgnoringCase(with: text)
  }

  func begins(with text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard byteCount >= length else { return false }
    return text.withUTF8Buffer { letters in
      letters.indices.allSatisfy { unsafe byte(at: $0) == letters[$0] }
    }
  }

  func beginsIgnoringCase(with text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard byteCount >= length else { return false }
    return text.withUTF8Buffer { unsafe extracting(0..<length).equalsIgnoringCase($0) }
  }

  func endsIgnoringCase(with text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    return byteCount >= length && extracting(byteCount - length..<byteCount).beginsIgnoringCase(with: text)
  }

  /// Whether two authorities name the same host, whatever their ports.
  func namesHost(of other: [UInt8]) -> Bool {
    var end = byteCount
    while end > 0, byte(at: end - 1).isDigit { end -= 1 }
    if end == 0 || byte(at: end - 1) != UInt8(ascii: ":") { end = byteCount + 1 }
    return extracting(0..<end - 1).equalsIgnoringCase(other.hostOfAuthority)
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { self >= 0x30 && self <= 0x39 }
}

extension [UInt8] {
  /// The host of an authority, without the port that may follow it.
  fileprivate var hostOfAuthority: ArraySlice<UInt8> {
    let withoutDigits = self[..<((lastIndex { !$0.isDigit } ?? -1) + 1)]
    return withoutDigits.last == UInt8(ascii: ":") ? withoutDigits.dropLast() : self[...]
  }
}
