import HTTP1
import Testing

@testable import Proxy

@Suite("the prefix of the old server's cookies")
struct OldCookiePrefixTests {
  private let prefix = OldCookiePrefix("old_")

  private func kept(_ plain: String) -> String {
    let bytes = Array(plain.utf8)
    let place = prefix.place(in: ByteRange(lower: 0, upper: bytes.count), of: bytes.span.bytes)
    return text(Array(bytes[..<place]) + prefix.bytes + Array(bytes[place...]))
  }

  private func plain(_ kept: String) -> String? {
    let bytes = Array(kept.utf8)
    let range = prefix.range(in: ByteRange(lower: 0, upper: bytes.count), of: bytes.span.bytes)
    return range.map { text(Array(bytes[..<$0.lower] + bytes[$0.upper...])) }
  }

  private func isName(_ kept: String, of plain: String) -> Bool {
    let bytes = Array((plain + kept).utf8)
    let plainCount = plain.utf8.count
    return prefix.isName(
      ByteRange(lower: plainCount, upper: bytes.count), of: ByteRange(lower: 0, upper: plainCount),
      in: bytes.span.bytes)
  }

  static let names: [(String, String)] = [
    ("sid", "old_sid"), ("a", "old_a"), ("old_sid", "old_old_sid"), ("_a", "old__a"), ("__Hos", "old___Hos"),
    ("__Hostess", "old___Hostess"), ("__Host-sid", "__Host-old_sid"), ("__host-sid", "__host-old_sid"),
    ("__Secure-sid", "__Secure-old_sid"), ("__Http-sid", "__Http-old_sid"),
    ("__Host-Http-sid", "__Host-Http-old_sid"), ("__Host-old_sid", "__Host-old_old_sid"),
    ("__Host-__Host-a", "__Host-old___Host-a"), ("\u{E9}", "old_\u{E9}"),
  ]

  @Test("goes in behind what browsers look for, and comes off again", arguments: names)
  func comesBack(_ one: String, _ under: String) {
    #expect(kept(one) == under)
    #expect(plain(under) == one)
    #expect(isName(under, of: one))
  }

  @Test(
    "is in no name that it would not have made",
    arguments: [
      "sid", "old_", "old", "", "Old_sid", "sid_old_", "__Host-", "__Host-old_", "__Host-sid",
      "old___Host-sid",
      "old___HOST-sid", "old___Secure-a", "old___Http-", "__Host-old_Http-a", "__Hostold_a", "__Host-old-a",
      "old_ sid", "old_\tsid",
    ])
  func isNowhereElse(_ name: String) {
    #expect(plain(name) == nil)
  }

  @Test("tells names apart byte for byte")
  func tellsApart() {
    #expect(!isName("old_sid", of: "Sid") && !isName("old_sid", of: "si") && !isName("old_sid", of: "sidd"))
    #expect(!isName("old___Host-sid", of: "__Host-sid") && !isName("__Host-old_sid", of: "__host-sid"))
  }
}
