import HTTP1
import Testing

@testable import Proxy

@Suite("soft 404s")
struct SoftMissTests {
  static let redirects: [(rules: [String], target: String, isMiss: Bool)] = [
    (["/"], "/", true), (["/"], "/?p=7", false), (["/"], "/index.html", false),
    (["/error.html"], "/error.html", true), (["/error.html"], "/error.html?from=/a", true),
    (["/error.html"], "/error.htm", false), (["/error.html"], "/error.html/", false),
    (["/error.html"], "/Error.html", false), (["/error.html"], "/", false),
    (["/i.php?page=404"], "/i.php?page=404", true), (["/i.php?page=404"], "/i.php?page=40", false),
    (["/i.php?page=404"], "/i.php", false), (["/i.php?page=404"], "/i.php?page=404&x", false),
    (["/a", "/b"], "/b", true), ([], "/", false),
  ]

  @Test(
    "a redirect is a miss when its path is one of the rules', and its query where it counts",
    arguments: redirects)
  func byRedirect(rules: [String], target: String, isMiss: Bool) {
    #expect(SoftMissRules(redirects: rules).isMiss(redirectTo: Array(target.utf8)) == isMiss)
  }

  /// Whether a search that gets `message` in parts of these sizes finds a text.
  private func finds(
    _ texts: [String], in message: String, framing: BodyFraming = .untilClose, partBytes: Int
  ) -> Bool {
    var search = SoftMissSearch(texts: texts.map { Array($0.utf8) }, framing: framing)
    // The rest of a chunk's line that is not complete comes again with the next part, as in a connection's input.
    var own = BodyScanner(framing)
    var input: [UInt8] = []
    var rest = Array(message.utf8)[...]
    while !rest.isEmpty {
      input += rest.prefix(partBytes)
      rest = rest.dropFirst(partBytes)
      let before = input
      if input.withUnsafeBytes({ search.finds(in: $0) }) { return true }
      #expect(input == before)
      let consumed = input.withUnsafeMutableBytes { own.scan($0).consumed }
      input.removeFirst(consumed)
    }
    return false
  }

  @Test("a text is found wherever the receives part it", arguments: 1...30)
  func acrossReceives(partBytes: Int) {
    let page = "<html><title>Pagina no encontrada</title>"
    #expect(finds(["Pagina no encontrada"], in: page, partBytes: partBytes))
    #expect(finds(["zzz", "</title>"], in: page, partBytes: partBytes))
    #expect(finds(["<"], in: page, partBytes: partBytes))
    #expect(!finds(["Pagina no encontradas"], in: page, partBytes: partBytes))
    #expect(!finds(["pagina"], in: page, partBytes: partBytes))
  }

  @Test("a text is found wherever the chunks part it, and never in what is no content", arguments: 1...12)
  func acrossChunks(partBytes: Int) {
    let message =
      "3;x=no encontrada\r\nPag\r\n4\r\nina \r\n0a\r\nno encontr\r\n3\r\nada\r\n0\r\nT: no encontrada\r\n\r\n"
    #expect(finds(["Pagina no encontrada"], in: message, framing: .chunked, partBytes: partBytes))
    #expect(!finds(["x="], in: message, framing: .chunked, partBytes: partBytes))
    #expect(!finds(["T: "], in: message, framing: .chunked, partBytes: partBytes))
    #expect(!finds(["\r\n"], in: message, framing: .chunked, partBytes: partBytes))
  }

  @Test("a text that starts over within itself is found")
  func selfSimilar() {
    #expect(finds(["aaab"], in: "aaaaaab", partBytes: 1))
    #expect(finds(["abab!"], in: "abababab!", partBytes: 3))
  }

  @Test("a text counts when all of it stands in the first 64 KiB", arguments: [1_000, 65_536, 100_000])
  func window(partBytes: Int) {
    let text = "no encontrada"
    for (start, isFound) in [
      (65_536 - text.utf8.count, true), (65_537 - text.utf8.count, false), (70_000, false),
    ] {
      let page = String(repeating: "x", count: start) + text + String(repeating: "x", count: 40_000)
      #expect(finds([text], in: page, partBytes: partBytes) == isFound)
    }
  }
}
