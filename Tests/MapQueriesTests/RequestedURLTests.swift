import Testing

@testable import MapQueries

@Suite("URLs as an operator writes them")
struct RequestedURLTests {
  @Test(
    "a path, an absolute URL and a key with its host are understood",
    arguments: [
      ("/", "", "/"), ("/a?b=c", "", "/a?b=c"), ("//a", "", "//a"), ("/a?u=http://b/", "", "/a?u=http://b/"),
      ("http://www.example.com", "www.example.com", "/"),
      ("https://WWW.example.com:81/a", "WWW.example.com:81", "/a"),
      ("HTTP://h?x=1", "h", "/?x=1"), ("www.example.com/a/b?c", "www.example.com", "/a/b?c"),
      ("/a#part", "", "/a"), ("http://h/a?b#/c", "h", "/a?b"),
    ])
  func understood(text: String, host: String, target: String) throws {
    let url = try RequestedURL(parsing: text)
    #expect(String(decoding: url.host, as: UTF8.self) == host)
    #expect(String(decoding: url.target, as: UTF8.self) == target)
  }

  @Test("what a browser would encode is encoded, and what is encoded stays")
  func encoding() throws {
    let url = try RequestedURL(parsing: "/café menu/%20<\">?ñ")
    #expect(String(decoding: url.target, as: UTF8.self) == "/caf%C3%A9%20menu/%20<\">?%C3%B1")
  }

  @Test(
    "anything else is refused with what would be right",
    arguments: [
      "", "a.html", "#", "ftp://h/a", "javascript:alert(1)", "http://", "http:///a", "http://u@h/a",
      "h ost/a",
    ])
  func refused(text: String) {
    #expect(
      throws: BadURL("write a path, as in /a.html, or a URL, as in https://www.example.com/a.html")
    ) { try RequestedURL(parsing: text) }
  }

  @Test("control characters are refused", arguments: ["/a\nb", "/\t", "/\u{7F}", "/\0"])
  func control(text: String) {
    #expect(throws: BadURL("a URL holds no control characters")) { try RequestedURL(parsing: text) }
  }
}
