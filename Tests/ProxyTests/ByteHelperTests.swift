import Testing

@testable import Proxy

@Suite("bytes")
struct ByteHelperTests {
  @Test(
    "two authorities name one host whatever their ports and case",
    arguments: [
      ("old.example", "old.example"), ("old.example:8080", "old.example"), ("OLD.example", "old.EXAMPLE:81"),
      ("old.example:", "old.example"), ("127.0.0.1", "127.0.0.1:80"), ("127.0.0.1:80", "127.0.0.1"),
      ("[::1]", "[::1]:80"), ("[::1]:80", "[::1]"), ("[2001:DB8::1]:1", "[2001:db8::1]:2"), ("h1", "h1:1"),
      ("80", "80:80"), ("", ""),
    ])
  func namesHost(_ one: String, _ other: String) {
    #expect(isOneHost(one, other))
    #expect(isOneHost(other, one))
  }

  @Test(
    "other hosts are others, however alike they look",
    arguments: [
      ("old.example", "new.example"), ("old.example", "old.example.com"), ("old.example", "www.old.example"),
      ("127.0.0.1", "127.0.0.2"), ("127.0.0.1", "127.0.0."), ("[::1]", "[::2]"), ("[::1]:80", "[::]:80"),
      ("h1", "h2"), ("h1", "h"), ("h80", "h:80"), ("", "h"), ("old_example", "old\u{7f}example"),
    ])
  func namesAnother(_ one: String, _ other: String) {
    #expect(!isOneHost(one, other))
    #expect(!isOneHost(other, one))
  }

  @Test("the case of ASCII letters does not count, that of nothing else is touched")
  func equalsIgnoringCase() {
    let all = (0...255).map { UInt8($0) }
    for one in all {
      for other in all {
        let fold = { (byte: UInt8) in (0x41...0x5A).contains(byte) ? byte + 32 : byte }
        guard areEqual([one], [other]) == (fold(one) == fold(other)) else {
          Issue.record("\(one) and \(other)")
          return
        }
      }
    }
    #expect(areEqual(Array("Host".utf8), Array("hOST".utf8)))
    #expect(!areEqual(Array("Host".utf8), Array("Hos".utf8)))
    #expect(areEqual([], []))
  }

  private func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    one.span.bytes.equalsIgnoringCase(other)
  }

  private func isOneHost(_ one: String, _ other: String) -> Bool {
    Array(one.utf8).span.bytes.namesHost(of: Array(other.utf8))
  }

  @Test("there is a zero outside of what there is")
  func byteAt() {
    let bytes: [UInt8] = [7, 8]
    let found = [-1, 0, 1, 2, .max].map { bytes.span.bytes.byte(at: $0) }
    #expect(found == [0, 7, 8, 0, 0])
  }
}
