import Testing

@testable import HTTP1

struct ByteScanningTests {
  /// A text of `a` with each byte there is at each of its places.
  private func texts(_ count: Int) -> [[UInt8]] {
    (0..<count).flatMap { place in
      (UInt8.min...UInt8.max).map { byte in
        var text = [UInt8](repeating: UInt8(ascii: "a"), count: count)
        text[place] = byte
        return text
      }
    }
  }

  @Test(
    "what can stand between quotes ends with a quote, a backslash and what is no printable ASCII",
    arguments: [3, 19])
  func quotable(_ count: Int) {
    for text in texts(count) {
      let end = text.firstIndex {
        $0 < 0x20 || $0 >= 0x7F || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\")
      }
      #expect(text.span.bytes.endOfQuotable(from: 0) == end ?? count)
      #expect(text.span.bytes.endOfQuotable(from: count) == count)
    }
  }

  @Test("the quick look at a host passes over letters, digits, hyphens and dots alone", arguments: [3, 19])
  func plainHost(_ count: Int) {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.".utf8)
    for text in texts(count) {
      let end = text.span.bytes.endOfPlainHost(from: 0, limit: count)
      #expect(text[..<end].allSatisfy(plain.contains))
      #expect(end >= count / 8 * 8 || !plain.contains(text[end]))
    }
  }
}
