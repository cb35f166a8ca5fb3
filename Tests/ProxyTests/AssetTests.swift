import HTTP1
import Testing

@testable import Proxy

@Suite("assets and the Referer")
struct AssetTests {
  @Test(
    "an asset is known by the end of its path, in any case",
    arguments: ["/a.css", "/a.JS", "/x/y.min.js", "/a.jpeg", "/.css", "/font.woff2", "/a.b.svg"])
  func extensions(path: String) {
    let found = Asset.hasExtension(Array(path.utf8).span.bytes)
    #expect(found)
  }

  @Test(
    "pages and what only looks like an asset are none",
    arguments: [
      "", "/", ".", "/a", "/a.html", "/a.php", "/css", "/a.css/", "/a.cssx", "/a.", "/a.xcss", "/acss",
      "/a.pdf",
    ])
  func noAssets(path: String) {
    let found = Asset.hasExtension(Array(path.utf8).span.bytes)
    #expect(!found)
  }

  @Test("Sec-Fetch-Dest tells what a browser wants")
  func destinations() {
    for value in ["image", "style", "script", "font", "Image"] {
      let found = Asset.isDestination(Array(value.utf8).span.bytes)
      #expect(found)
    }
    for value in ["", "document", "empty", "iframe", "imag", "images", "worker"] {
      let found = Asset.isDestination(Array(value.utf8).span.bytes)
      #expect(!found)
    }
  }

  static let merged: [(before: String, after: String)] = [
    ("", "Vary: Referer\r\n"),
    ("Vary: Accept-Encoding\r\n", "Vary: Accept-Encoding, Referer\r\n"),
    ("vary:Accept , Cookie \r\n", "vary:Accept , Cookie, Referer \r\n"),
    ("Vary: referer\r\n", "Vary: referer\r\n"),
    ("Vary: Accept,Referer\r\n", "Vary: Accept,Referer\r\n"),
    ("Vary: *\r\n", "Vary: *\r\n"),
    ("Vary: Accept\r\nX: y\r\nVary: *\r\n", "Vary: Accept\r\nX: y\r\nVary: *\r\n"),
    ("Vary: Accept\r\nVary: Cookie\r\n", "Vary: Accept, Referer\r\nVary: Cookie\r\n"),
    ("Vary: Accept\r\nVary: Cookie, REFERER\r\n", "Vary: Accept\r\nVary: Cookie, REFERER\r\n"),
    ("Vary:\r\n", "Vary:\r\nVary: Referer\r\n"),
    ("Vary: X-Referer\r\n", "Vary: X-Referer, Referer\r\n"),
  ]

  @Test("Vary names Referer once, beside what it named before", arguments: merged)
  func vary(before: String, after: String) throws {
    let start = "HTTP/1.1 200 OK\r\nA: b\r\n"
    let end = "Content-Length: 0\r\n"
    let message = start + before + end + "\r\n"
    #expect(try written(message, variesByReferer: false) == message)
    // A line of its own stands behind the others.
    let ownLine = "Vary: Referer\r\n"
    let expected = after == before + ownLine ? before + end + ownLine : after + end
    #expect(try written(message, variesByReferer: true) == start + expected + "\r\n")
  }

  /// The head of an answer as a client gets it.
  private func written(_ message: String, variesByReferer: Bool) throws -> String {
    try withAnswer(message) { head, fields, bytes in
      var writer = ByteWriter(capacity: 0)
      AnswerWriter.write(
        head, fields: fields, bytes: bytes,
        shape: AnswerShape(isChunked: false, connection: nil, route: nil, variesByReferer: variesByReferer),
        source: .new(nil), publicAuthority: [UInt8]().span.bytes, into: &writer)
      return text(writer)
    }
  }
}
