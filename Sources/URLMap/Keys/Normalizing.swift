/// What a key is written with.
extension [UInt8] {
  /// Appends `text` with its percent-encodings as RFC 3986, 6.2.2 wants them.
  ///
  /// An encoded digit that would turn a lone percent sign before it into an encoding stays encoded: `%4%31` must not
  /// become `%41`.
  mutating func appendNormalized(_ text: RawSpan) {
    var offset = 0
    while true {
      let percent = text.firstOffset(of: .percent, from: offset)
      append(text.extracting(offset..<percent))
      guard percent < text.byteCount else { return }
      offset = percent + 1
      guard let octet = text.octet(encodedAt: percent) else {
        append(.percent)
        continue
      }
      offset = percent + 3
      if octet.isUnreserved, !(octet.hexadecimalValue != nil && endsInPartOfEncoding) {
        append(octet)
      } else {
        append(.percent)
        append(.hexadecimalDigit(octet >> 4))
        append(.hexadecimalDigit(octet & 0xF))
      }
    }
  }

  /// Whether the end is a lone percent sign, or one with a single digit behind it.
  private var endsInPartOfEncoding: Bool {
    guard let last else { return false }
    return last == .percent || (last.hexadecimalValue != nil && count > 1 && self[count - 2] == .percent)
  }

  /// Appends a host in small letters and without the port that may follow it; false if it is none.
  mutating func appendHost(_ authority: RawSpan) -> Bool {
    var end = authority.byteCount
    while end > 0, authority.byte(at: end - 1).isDigit { end -= 1 }
    end = end > 0 && authority.byte(at: end - 1) == UInt8(ascii: ":") ? end - 1 : authority.byteCount
    guard end > 0 else { return false }
    for offset in 0..<end {
      let byte = authority.byte(at: offset)
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): append(byte | 0x20)
      case .slash, .questionMark, UInt8(ascii: "#"), ...0x20, 0x7F...: return false
      default: append(byte)
      }
    }
    return true
  }

  mutating func append(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}

extension UInt8 {
  static var slash: UInt8 { UInt8(ascii: "/") }
  static var questionMark: UInt8 { UInt8(ascii: "?") }
  static var percent: UInt8 { UInt8(ascii: "%") }
  static var ampersand: UInt8 { UInt8(ascii: "&") }
  static var equals: UInt8 { UInt8(ascii: "=") }

  var isDigit: Bool { self &- 0x30 < 10 }

  /// The value of a hexadecimal digit, or nil.
  var hexadecimalValue: UInt8? {
    if isDigit { return self &- 0x30 }
    let letter = (self | 0x20) &- 0x61
    return letter < 6 ? letter + 10 : nil
  }

  /// The capital digit of a value below 16.
  static func hexadecimalDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }

  /// RFC 3986, 2.3: a letter, a digit, or one of `-._~`.
  var isUnreserved: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
    default: false
    }
  }
}

extension RawSpan {
  /// The byte at `offset`; bounds are checked.
  @inline(__always)
  func byte(at offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// The octet that the percent sign at `offset` and two digits behind it stand for; nil without them.
  func octet(encodedAt offset: Int) -> UInt8? {
    guard offset + 2 < byteCount, let high = byte(at: offset + 1).hexadecimalValue,
      let low = byte(at: offset + 2).hexadecimalValue
    else { return nil }
    return high << 4 | low
  }

  /// Offset of the first `wanted` at or after `start`; the number of bytes when there is none.
  @inline(__always)
  func firstOffset(of wanted: UInt8, from start: Int = 0) -> Int {
    firstOffset(of: wanted, or: wanted, from: start)
  }

  /// Offset of the first of two bytes, neither of them 0, at or after `start`, eight bytes at a time; the number of
  /// bytes when there is none.
  @inline(__always)
  func firstOffset(of one: UInt8, or other: UInt8, from start: Int) -> Int {
    var offset = start
    while offset >= 0, offset &+ 8 <= byteCount {
      let found = Self.bytes(one, or: other, in: word(at: offset))
      guard found == 0 else { return offset &+ found.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    guard offset >= 0, offset < byteCount else { return byteCount }
    if byteCount >= 8 {
      // The last eight bytes once more, those before `offset` shifted out and zeros in.
      let rest = word(at: byteCount &- 8) &>> UInt64(truncatingIfNeeded: 8 &* (offset &+ 8 &- byteCount))
      let found = Self.bytes(one, or: other, in: rest)
      return found == 0 ? byteCount : offset &+ found.trailingZeroBitCount / 8
    }
    while offset < byteCount, byte(at: offset) != one, byte(at: offset) != other { offset += 1 }
    return offset
  }

  /// Eight bytes, the first in the lowest bits. The caller has checked that `offset` is not negative and
  /// `offset + 8 <= byteCount`.
  @inline(__always)
  private func word(at offset: Int) -> UInt64 {
    UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  private static func bytes(_ one: UInt8, or other: UInt8, in word: UInt64) -> UInt64 {
    zeroBytes(word ^ everyByte(one)) | zeroBytes(word ^ everyByte(other))
  }

  @inline(__always)
  private static func everyByte(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

  /// The top bit of each byte that is zero. Exact for the lowest one found, which is the only one used: a borrow runs
  /// upward only.
  @inline(__always)
  private static func zeroBytes(_ word: UInt64) -> UInt64 {
    (word &- everyByte(1)) & ~word & everyByte(0x80)
  }
}
