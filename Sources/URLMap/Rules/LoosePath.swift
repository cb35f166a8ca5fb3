/// A path as the most lenient server could read it, for rules that must not be evaded.
///
/// Percent-encodings are decoded, those of `/` and `.` too, but once only; letters are small; a backslash is a slash;
/// `//` is `/`; `.` and `..` are resolved; of each part goes what follows a `;`, a `?`, a `#` or a zero byte, and the dots
/// and blanks at its end, which Windows drops. A slash always stands at its end.
enum LoosePath {
  /// Whether a byte ends the name in a part of a path, or is read as a slash.
  static func isMark(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: ";"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\\"), 0: true
    default: false
    }
  }

  private static var dot: UInt8 { UInt8(ascii: ".") }
  private static var space: UInt8 { UInt8(ascii: " ") }

  /// Writes it into `room`, cleared before, and hands it to `isHit`: at its end, and before each step upward, since a
  /// server that does not take that step reads the path as it is then. Whether one of them was a hit. O(bytes).
  static func contains(_ path: RawSpan, room: inout [UInt8], _ isHit: (RawSpan) -> Bool) -> Bool {
    room.removeAll(keepingCapacity: true)
    room.append(.slash)
    var partStart = 1
    var isInName = true
    var offset = 0
    while offset <= path.byteCount {
      // A slash behind the path ends its last part.
      let byte = offset < path.byteCount ? path.nextDecoded(at: &offset).lowercased : .slash
      let isEnd = byte == .slash || byte == UInt8(ascii: "\\")
      if isEnd {
        while room.last == space { room.removeLast() }
        if room.count == partStart + 2, room[partStart] == dot, room[partStart + 1] == dot {
          room.removeSubrange(partStart...)
          if unsafe isHit(room.span.bytes) { return true }
          removeLastPart(&room)
        } else {
          while let last = room.last, last == dot || last == space { room.removeLast() }
          if room.last != .slash { room.append(.slash) }
        }
        partStart = room.count
        isInName = true
        if offset == path.byteCount { break }
      } else if isMark(byte) {
        isInName = false
      } else if isInName {
        room.append(byte)
      }
    }
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    return unsafe isHit(room.span.bytes)
  }

  private static func removeLastPart(_ room: inout [UInt8]) {
    guard room.count > 1 else { return }
    room.removeLast()
    while room.last != .slash { room.removeLast() }
  }
}

extension RawSpan {
  /// The byte at `offset` or, where a percent-encoding begins there, the one that it stands for; moves past it.
  func nextDecoded(at offset: inout Int) -> UInt8 {
    let byte = byte(at: offset)
    if byte == .percent, let octet = octet(encodedAt: offset) {
      offset += 3
      return octet
    }
    offset += 1
    return byte
  }
}

extension UInt8 {
  /// The small letter of an ASCII capital; any other byte as it is.
  var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}
