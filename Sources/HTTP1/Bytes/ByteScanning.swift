/// The innermost loops. Each takes a `limit` that it clamps to the span, so that the unchecked loads of eight
/// bytes below stay inside whatever the caller says.
extension RawSpan {
  /// The byte at `offset`; bounds are checked.
  @inline(__always)
  func byte(at offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// The byte at `offset`, which the caller has compared with a limit that lies within the span.
  @inline(__always)
  func knownByte(at offset: Int) -> UInt8 {
    assert(offset >= 0 && offset < byteCount, "a byte outside the span")
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// Eight bytes, the first in the lowest bits. The caller has checked that `offset + 8 <= byteCount`.
  @inline(__always)
  private func word(at offset: Int) -> UInt64 {
    UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
  }

  /// Offset of the first byte at or after `start` that is no token byte; `limit` when there is none.
  @inline(__always)
  func endOfToken(from start: Int, limit: Int) -> Int {
    let limit = Swift.min(limit, byteCount)
    var offset = Swift.max(start, 0)
    while offset &+ 8 <= limit {
      let suspects = Self.bytesOtherThanLettersAndHyphens(word(at: offset))
      guard suspects != 0 else {
        offset &+= 8
        continue
      }
      offset &+= suspects.trailingZeroBitCount / 8
      guard ByteSet.token.contains(knownByte(at: offset)) else { return offset }
      offset &+= 1
    }
    return end(of: .token, from: offset, limit: limit)
  }

  /// Offset up to which, from `start` on, there are letters, digits, `-` and `.` alone, of which nearly all hosts consist; more
  /// of them may follow in the last bytes before `limit`.
  @inline(__always)
  func endOfPlainHost(from start: Int, limit: Int) -> Int {
    let limit = Swift.min(limit, byteCount)
    var offset = Swift.max(start, 0)
    while offset &+ 8 <= limit {
      let suspects = Self.bytesOtherThanPlainHost(word(at: offset))
      guard suspects == 0 else { return offset &+ suspects.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    return offset
  }

  /// Offset of the first byte at or after `start` that is not in `set`; `limit` when there is none.
  @inline(__always)
  func end(of set: ByteSet, from start: Int, limit: Int) -> Int {
    let limit = Swift.min(limit, byteCount)
    var offset = Swift.max(start, 0)
    while offset < limit, set.contains(knownByte(at: offset)) { offset &+= 1 }
    return offset
  }

  /// Offset of the first byte at or after `start` that no field value may hold (RFC 9110, 5.5), CR and LF
  /// included; `limit` when there is none.
  @inline(__always)
  func endOfFieldText(from start: Int, limit: Int) -> Int {
    let limit = Swift.min(limit, byteCount)
    var offset = Swift.max(start, 0)
    while offset &+ 8 <= limit {
      let suspects = Self.bytesOutside(word(at: offset), below: 0x20)
      guard suspects != 0 else {
        offset &+= 8
        continue
      }
      offset &+= suspects.trailingZeroBitCount / 8
      guard knownByte(at: offset) == .horizontalTab else { return offset }
      offset &+= 1
    }
    while offset < limit, knownByte(at: offset).isFieldText { offset &+= 1 }
    return offset
  }

  /// Offset of the first byte at or after `start` that no request target may hold: anything but 0x21...0x7E,
  /// and `#`; `limit` when there is none.
  @inline(__always)
  func endOfTarget(from start: Int, limit: Int) -> Int {
    let limit = Swift.min(limit, byteCount)
    var offset = start
    while offset >= 0, offset &+ 8 <= limit {
      let word = word(at: offset)
      let suspects =
        Self.bytesOutside(word, below: 0x21) | Self.zeroBytes(word ^ Self.everyByte(0x23))
        | (word & Self.everyByte(0x80))
      guard suspects == 0 else { return offset &+ suspects.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    while offset < limit {
      let byte = byte(at: offset)
      guard byte > 0x20, byte < 0x7F, byte != .hash else { break }
      offset += 1
    }
    return offset
  }

  /// Offset of the first `wanted` at or after `start`; `limit` when there is none.
  func firstOffset(of wanted: UInt8, from start: Int, limit: Int) -> Int {
    let limit = Swift.min(limit, byteCount)
    var offset = start
    while offset >= 0, offset &+ 8 <= limit {
      let found = Self.zeroBytes(word(at: offset) ^ Self.everyByte(wanted))
      guard found == 0 else { return offset &+ found.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    while offset < limit, byte(at: offset) != wanted { offset += 1 }
    return offset
  }

  /// Offset of the first byte at or after `start` that can't stand between quotes as it is: a quote, a backslash, what is no
  /// printable ASCII; the end when there is none. O(bytes looked at).
  public func endOfQuotable(from start: Int) -> Int {
    var offset = Swift.max(start, 0)
    while offset &+ 8 <= byteCount {
      let word = word(at: offset)
      let suspects =
        Self.bytesOutside(word, below: 0x20) | Self.zeroBytes(word ^ Self.everyByte(UInt8(ascii: "\"")))
        | Self.zeroBytes(word ^ Self.everyByte(UInt8(ascii: "\\"))) | (word & Self.everyByte(0x80))
      guard suspects == 0 else { return offset &+ suspects.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    while offset < byteCount {
      let byte = byte(at: offset)
      if byte < 0x20 || byte >= 0x7F || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
      offset += 1
    }
    return offset
  }

  /// `range` without SP and HTAB at either end.
  func trimmingBlanks(_ range: ByteRange) -> ByteRange {
    var lower = range.lower
    var upper = range.upper
    while lower < upper, byte(at: lower).isBlank { lower += 1 }
    while upper > lower, byte(at: upper - 1).isBlank { upper -= 1 }
    return ByteRange(lower: lower, upper: upper)
  }

  /// Whether the bytes from `offset` are those of `literal`, in this case.
  @inline(__always)
  func has(_ literal: StaticString, at offset: Int) -> Bool {
    has(literal, at: offset, folding: 0)
  }

  /// Whether `range` is `literal` in any case. `literal` is lower case.
  ///
  /// Exact only for ranges of field text without control bytes: there a letter, a digit or `-` in `literal`
  /// is met by nothing else than itself and its capital.
  @inline(__always)
  func equals(_ range: ByteRange, ignoringCase literal: StaticString) -> Bool {
    range.count == literal.utf8CodeUnitCount && has(literal, at: range.lower, folding: 0x20)
  }

  @inline(__always)
  private func has(_ literal: StaticString, at offset: Int, folding: UInt8) -> Bool {
    let length = literal.utf8CodeUnitCount
    guard offset >= 0, offset <= byteCount, length <= byteCount - offset else { return false }
    let start = unsafe literal.utf8Start
    guard length >= 8 else {
      for index in 0..<length where unsafe knownByte(at: offset &+ index) | folding != start[index] | folding
      {
        return false
      }
      return true
    }
    let fold = Self.everyByte(folding)
    func differs(_ index: Int) -> Bool {
      let wanted = unsafe UnsafeRawPointer(start).loadUnaligned(fromByteOffset: index, as: UInt64.self)
      return word(at: offset &+ index) | fold != UInt64(littleEndian: wanted) | fold
    }
    var index = 0
    while index < length &- 8 {
      if differs(index) { return false }
      index &+= 8
    }
    // The last eight, which may overlap those before.
    return !differs(length &- 8)
  }

  /// Whether a range has `literal` somewhere in it, in any case; for literals of letters, digits and `-`.
  func contains(_ literal: StaticString, in range: ByteRange) -> Bool {
    let last = range.upper - literal.utf8CodeUnitCount
    guard range.lower <= last else { return false }
    return (range.lower...last).contains { has(literal, at: $0, folding: 0x20) }
  }

  /// Whether two ranges hold the same token, in any case.
  func equals(_ range: ByteRange, ignoringCase other: ByteRange) -> Bool {
    guard range.count == other.count else { return false }
    for index in 0..<range.count
    where byte(at: range.lower + index).lowercased != byte(at: other.lower + index).lowercased {
      return false
    }
    return true
  }

  @inline(__always)
  private static func everyByte(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

  /// The top bit of each byte that is zero. Exact for the lowest one found, which is the only one used: a
  /// borrow runs upward only.
  @inline(__always)
  private static func zeroBytes(_ word: UInt64) -> UInt64 {
    (word &- everyByte(1)) & ~word & everyByte(0x80)
  }

  /// The top bit of each byte that is neither an ASCII letter nor `-`: exact for all eight, since no sum of
  /// two bytes below 0x80 carries into the next.
  @inline(__always)
  private static func bytesOtherThanLettersAndHyphens(_ word: UInt64) -> UInt64 {
    let low = word & everyByte(0x7F)
    let folded = low | everyByte(0x20)
    let letters = (folded &+ everyByte(0x80 - 0x61)) & ~(folded &+ everyByte(0x7F - 0x7A))
    let hyphens = ~((low ^ everyByte(0x2D)) &+ everyByte(0x7F))
    return (~(letters | hyphens) | word) & everyByte(0x80)
  }

  /// The top bit of each byte that is no ASCII letter, digit, `-` or `.`; as exact as the one above.
  @inline(__always)
  private static func bytesOtherThanPlainHost(_ word: UInt64) -> UInt64 {
    let low = word & everyByte(0x7F)
    let folded = low | everyByte(0x20)
    let letters = (folded &+ everyByte(0x80 - 0x61)) & ~(folded &+ everyByte(0x7F - 0x7A))
    let digits = (low &+ everyByte(0x80 - 0x30)) & ~(low &+ everyByte(0x7F - 0x39))
    let marks = (low &+ everyByte(0x80 - 0x2D)) & ~(low &+ everyByte(0x7F - 0x2E))
    return (~(letters | digits | marks) | word) & everyByte(0x80)
  }

  /// The top bit of each byte less than `bound` (at most 0x80) or equal to DEL; as exact as `zeroBytes`.
  @inline(__always)
  private static func bytesOutside(_ word: UInt64, below bound: UInt8) -> UInt64 {
    ((word &- everyByte(bound)) & ~word & everyByte(0x80)) | zeroBytes(word ^ everyByte(0x7F))
  }
}
