import Testing

@testable import HTTP1

@Suite("the parts of a cookie's field")
struct CookiePartsTests {
  /// Each part as `whole|name|value`, with - for a name that is not there.
  private func parts(_ value: String) -> [String] {
    let bytes = Array("Cookie: \(value)\r\n".utf8)
    var parts = CookieParts(ByteRange(lower: 8, upper: bytes.count - 2))
    var found: [String] = []
    while let part = parts.next(in: bytes.span.bytes) {
      func text(_ range: ByteRange) -> String { range.text(in: bytes.span.bytes) }
      found.append("\(text(part.whole))|\(part.name.map(text) ?? "-")|\(text(part.value))")
    }
    return found
  }

  @Test(
    "are cut at each semicolon, and at the first equals sign",
    arguments: [
      ("a=1", ["a=1|a|1"]),
      ("a=1; b=2", ["a=1|a|1", " b=2|b|2"]),
      ("a=1;b=2", ["a=1|a|1", "b=2|b|2"]),
      ("a=b=c; d==", ["a=b=c|a|b=c", " d==|d|="]),
      ("a=1; Path=/; Secure", ["a=1|a|1", " Path=/|Path|/", " Secure|-|Secure"]),
      (" a \t= 1 2 ;\tb = ", [" a \t= 1 2 |a|1 2", "\tb = |b|"]),
      ("a=\"x; y\"", ["a=\"x|a|\"x", " y\"|-|y\""]),
      ("", ["|-|"]),
      (";", ["|-|", "|-|"]),
      ("a=1;", ["a=1|a|1", "|-|"]),
      (";; ;a", ["|-|", "|-|", " |-|", "a|-|a"]),
      ("=1; =", ["=1||1", " =||"]),
      ("a, b=1, c=2", ["a, b=1, c=2|a, b|1, c=2"]),
    ])
  func splits(_ value: String, _ expected: [String]) {
    #expect(parts(value) == expected)
  }

  @Test("follow each other with one semicolon between them, whatever the bytes")
  func coversAll() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      let bytes = (0..<Int.random(in: 0...24)).map { _ in
        Array(";= \ta\u{80}\"".utf8).randomElement(using: &generator) ?? 0
      }
      let lower = Int.random(in: 0...bytes.count)
      var parts = CookieParts(ByteRange(lower: lower, upper: bytes.count))
      var end = lower - 1
      while let part = parts.next(in: bytes.span.bytes) {
        #expect(part.whole.lower == end + 1 && part.whole.upper <= bytes.count)
        #expect(part.value.lower >= part.whole.lower && part.value.upper <= part.whole.upper)
        end = part.whole.upper
      }
      #expect(end == bytes.count)
    }
  }
}
