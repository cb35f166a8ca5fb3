/// A set of ASCII bytes as two words: the look-up touches no memory.
struct ByteSet: Sendable {
  /// Bit n stands for byte n.
  let low: UInt64
  /// Bit n stands for byte 64 + n.
  let high: UInt64

  @inline(__always)
  func contains(_ byte: UInt8) -> Bool {
    let word = byte & 0x40 == 0 ? low : high
    return byte < 0x80 && (word &>> UInt64(byte & 0x3F)) & 1 == 1
  }

  /// RFC 9110, 5.6.2: `tchar`.
  @inline(__always)
  static var token: ByteSet { ByteSet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }

  /// RFC 3986, 3.2.2: `unreserved` and `sub-delims`, but no comma, which would make two hosts of one field.
  @inline(__always)
  static var registeredName: ByteSet { ByteSet(low: 0x2BFF_6FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }

  /// RFC 3986, 3.1: what may follow the first letter of a scheme.
  @inline(__always)
  static var scheme: ByteSet { ByteSet(low: 0x03FF_6800_0000_0000, high: 0x07FF_FFFE_07FF_FFFE) }
}

extension UInt8 {
  static var horizontalTab: UInt8 { 0x09 }
  static var lineFeed: UInt8 { 0x0A }
  static var carriageReturn: UInt8 { 0x0D }
  static var space: UInt8 { 0x20 }
  static var comma: UInt8 { 0x2C }
  static var dot: UInt8 { 0x2E }
  static var slash: UInt8 { 0x2F }
  static var colon: UInt8 { 0x3A }
  static var semicolon: UInt8 { 0x3B }
  static var equals: UInt8 { 0x3D }
  static var questionMark: UInt8 { 0x3F }
  static var hash: UInt8 { 0x23 }

  /// SP or HTAB, what RFC 9110, 5.6.3 calls OWS and BWS.
  @inline(__always)
  var isBlank: Bool { self == .space || self == .horizontalTab }

  @inline(__always)
  var isDigit: Bool { self &- 0x30 < 10 }

  @inline(__always)
  var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }

  /// HTAB, SP, VCHAR or obs-text: RFC 9110, 5.5.
  @inline(__always)
  var isFieldText: Bool { (self >= 0x20 && self != 0x7F) || self == .horizontalTab }

  @inline(__always)
  var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

  /// The value of a hexadecimal digit, or nil.
  @inline(__always)
  var hexadecimalValue: UInt8? {
    if isDigit { return self &- 0x30 }
    let letter = (self | 0x20) &- 0x61
    return letter < 6 ? letter + 10 : nil
  }
}
