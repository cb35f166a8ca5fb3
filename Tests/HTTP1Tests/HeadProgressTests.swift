import Testing

@testable import HTTP1

struct HeadProgressTests {
  private func ask(_ progress: inout HeadProgress, _ bytes: some Collection<UInt8>) -> Bool {
    let bytes = Array(bytes)
    return progress.mayBeComplete(bytes.span.bytes)
  }

  /// The lengths at which a head that comes byte by byte is thought worth a parse.
  private func worthwhile(_ text: String, maxBytes: Int = .max) -> [Int] {
    var progress = HeadProgress(maxBytes: maxBytes)
    let bytes = Array(text.utf8)
    return (0...bytes.count).filter { count in
      ask(&progress, bytes[..<count])
    }
  }

  @Test("a head byte by byte is parsed for its first byte, its first line and its end")
  func parsesThrice() {
    #expect(worthwhile("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n") == [1, 16, 33])
  }

  @Test("an empty line before the request line does not hide the line itself")
  func parsesAfterEmptyLine() {
    #expect(worthwhile("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n") == [1, 2, 18, 29])
  }

  @Test("a line feed without carriage return is worth a parse, which refuses it")
  func parsesBareLineFeed() {
    #expect(worthwhile("GET / HTTP/1.1\r\nHost: h\nA: b\n\n") == [1, 16, 24, 29, 30])
  }

  @Test("at the limit each byte is worth a parse, which refuses the head")
  func parsesAtLimit() {
    #expect(worthwhile("GET /abc", maxBytes: 6) == [1, 6, 7, 8])
  }

  @Test("a head in two pieces is complete when the second has come, wherever it was cut")
  func findsEndWhereverCut() {
    let bytes = Array(get("A: b").utf8)
    for cut in 1..<bytes.count {
      var progress = HeadProgress()
      _ = ask(&progress, bytes[..<cut])
      let isWorthIt = ask(&progress, bytes)
      #expect(isWorthIt, "cut at \(cut)")
    }
  }

  @Test("after a reset the next head is looked at from its start")
  func resets() {
    var progress = HeadProgress()
    let bytes = Array(get().utf8)
    let first = [ask(&progress, bytes), ask(&progress, bytes), ask(&progress, bytes)]
    progress.reset()
    let second = [ask(&progress, bytes[..<1]), ask(&progress, bytes), ask(&progress, bytes)]
    #expect(first == [true, true, false])
    #expect(second == [true, true, false])
  }
}
