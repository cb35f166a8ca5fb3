import HTTP1

/// The prefix under which a client keeps the cookies of the old server.
///
/// It stands in front of a name, but behind what means something to browsers only at the very front:
///
///     sid            old_sid
///     __Host-sid     __Host-old_sid
///
/// A name that this would not write is not taken for one of the old server's: `old___Host-sid`, which a browser lets
/// any page set, would become `__Host-sid` without the promises of that name.
struct OldCookiePrefix: Sendable {
  /// What browsers hold to conditions at the front of a name, whatever its case (RFC 6265bis, 4.1.3, and its successor);
  /// the longer ones first.
  private static let marks: [StaticString] = ["__Host-Http-", "__Host-", "__Secure-", "__Http-"]

  let bytes: [UInt8]

  /// - Parameter text: a token that begins with a letter or a digit, so that no name becomes a marked one by it.
  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  /// Where the prefix goes in the name of one of the old server's cookies.
  func place(in name: ByteRange, of message: RawSpan) -> Int {
    name.lower + markCount(name.count) { message.byte(at: name.lower + $0) }
  }

  /// The prefix in a name under which a client keeps one of the old server's cookies; nil in any other name.
  func range(in name: ByteRange, of message: RawSpan) -> ByteRange? {
    let lower = place(in: name, of: message)
    let upper = lower + bytes.count
    guard upper < name.upper, message.has(bytes, at: lower) else { return nil }
    let mark = lower - name.lower
    // No name begins with a blank.
    if mark == 0, message.byte(at: upper) == 0x20 || message.byte(at: upper) == 0x09 { return nil }
    let ownMark = markCount(name.count - bytes.count) { offset in
      message.byte(at: name.lower + (offset < mark ? offset : offset + bytes.count))
    }
    return ownMark == mark ? ByteRange(lower: lower, upper: upper) : nil
  }

  /// Whether a client keeps the old server's cookie of the name `plain` under the name `kept`.
  func isName(_ kept: ByteRange, of plain: ByteRange, in message: RawSpan) -> Bool {
    guard kept.count == plain.count + bytes.count else { return false }
    let mark = place(in: plain, of: message) - plain.lower
    return message.has(bytes, at: kept.lower + mark)
      && (0..<plain.count).allSatisfy { offset in
        message.byte(at: plain.lower + offset)
          == message.byte(at: kept.lower + (offset < mark ? offset : offset + bytes.count))
      }
  }

  private func markCount(_ count: Int, _ byteAt: (Int) -> UInt8) -> Int {
    // Nearly every name is decided here.
    guard count > 0, byteAt(0) == UInt8(ascii: "_") else { return 0 }
    for mark in Self.marks where mark.utf8CodeUnitCount <= count {
      let isThere = mark.withUTF8Buffer { mark in
        (0..<mark.count).allSatisfy { unsafe byteAt($0).lowercased == mark[$0].lowercased }
      }
      if isThere { return mark.utf8CodeUnitCount }
    }
    return 0
  }
}
