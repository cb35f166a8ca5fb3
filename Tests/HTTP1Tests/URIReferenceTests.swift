import Testing

@testable import HTTP1

struct URIReferenceTests {
  static let references: [(String, String?, String?, String, String?)] = [
    ("http://h/p?q#f", "http", "h", "/p?q", "f"),
    ("https://h:8443", "https", "h:8443", "", nil),
    ("http://h?q", "http", "h", "?q", nil),
    ("http://h#f?x/y", "http", "h", "", "f?x/y"),
    ("//h/p", nil, "h", "/p", nil),
    ("//", nil, "", "", nil),
    ("/p//q", nil, nil, "/p//q", nil),
    ("p/q:r", nil, nil, "p/q:r", nil),
    ("?q", nil, nil, "?q", nil),
    ("#", nil, nil, "", ""),
    ("", nil, nil, "", nil),
    ("mailto:a@b", "mailto", nil, "a@b", nil),
    (":x", nil, nil, ":x", nil),
    ("1a:b", nil, nil, "1a:b", nil),
    ("a+b-c.1:d", "a+b-c.1", nil, "d", nil),
    ("http:", "http", nil, "", nil),
    ("http://u@[::1]:80/", "http", "u@[::1]:80", "/", nil),
    ("/a?b?c#d#e", nil, nil, "/a?b?c", "d#e"),
    ("http:/p", "http", nil, "/p", nil),
  ]

  @Test("a reference is split into its parts", arguments: references)
  func splits(
    _ text: String, _ scheme: String?, _ authority: String?, _ pathAndQuery: String, _ fragment: String?
  ) {
    let bytes = Array(text.utf8)
    let reference = URIReference.split(bytes.span.bytes)
    #expect(reference.scheme?.text(in: bytes.span.bytes) == scheme)
    #expect(reference.authority?.text(in: bytes.span.bytes) == authority)
    #expect(reference.pathAndQuery.text(in: bytes.span.bytes) == pathAndQuery)
    #expect(reference.fragment?.text(in: bytes.span.bytes) == fragment)
  }

  /// RFC 3986, 5.4.1 and 5.4.2, and the edges that it leaves out.
  static let targets: [(String, String)] = [
    ("g", "/b/c/g"), ("./g", "/b/c/g"), ("g/", "/b/c/g/"), ("/g", "/g"), ("//g", "/"), ("?y", "/b/c/d;p?y"),
    ("g?y", "/b/c/g?y"), ("#s", "/b/c/d;p?q"), ("g#s", "/b/c/g"), ("g?y#s", "/b/c/g?y"), (";x", "/b/c/;x"),
    ("", "/b/c/d;p?q"), (".", "/b/c/"), ("./", "/b/c/"), ("..", "/b/"), ("../", "/b/"), ("../g", "/b/g"),
    ("../..", "/"), ("../../", "/"), ("../../g", "/g"), ("../../../g", "/g"), ("../../../../g", "/g"),
    ("/./g", "/g"), ("/../g", "/g"), ("g.", "/b/c/g."), (".g", "/b/c/.g"), ("g..", "/b/c/g.."),
    ("..g", "/b/c/..g"),
    ("./../g", "/b/g"), ("./g/.", "/b/c/g/"), ("g/./h", "/b/c/g/h"), ("g/../h", "/b/c/h"),
    ("g?y/./x", "/b/c/g?y/./x"), ("g#s/../x", "/b/c/g"), ("http://h", "/"), ("http://h?x", "/?x"),
    ("http://h/a/../b?x", "/b?x"), ("/a//b/../c", "/a//c"),
  ]

  @Test("a reference leads to a path and a query, from a page of the same site", arguments: targets)
  func leadsTo(_ reference: String, _ target: String) {
    let found = URIReference.target(
      of: Array(reference.utf8).span.bytes, from: Array("/b/c/d;p?q".utf8).span.bytes)
    #expect(String(decoding: found, as: UTF8.self) == target)
  }

  @Test("from an empty path, as of http://host, a reference leads on from the root")
  func fromEmpty() {
    for (reference, target) in [("g", "/g"), ("", "/"), ("?y", "/?y"), ("../g", "/g")] {
      let found = URIReference.target(of: Array(reference.utf8).span.bytes, from: [UInt8]().span.bytes)
      #expect(String(decoding: found, as: UTF8.self) == target)
    }
  }

  @Test("a range is compared with text as it stands or without regard to case")
  func comparesRanges() {
    let bytes = Array("xExample.COMy".utf8)
    let range = ByteRange(lower: 1, upper: 12)
    func equals(_ text: String, _ range: ByteRange = range, ignoringCase: Bool) -> Bool {
      range.equals(text, in: bytes.span.bytes, ignoringCase: ignoringCase)
    }
    #expect(equals("Example.COM", ignoringCase: false))
    #expect(!equals("example.com", ignoringCase: false))
    #expect(equals("exAMPLE.com", ignoringCase: true))
    #expect(!equals("example.co", ignoringCase: true))
    #expect(!equals("example\u{0E}com", ignoringCase: true))
    #expect(!equals("Example.COM", ByteRange(lower: 1, upper: 99), ignoringCase: true))
    #expect(ByteRange(lower: 1, upper: 99).text(in: bytes.span.bytes) == "")
    #expect(ByteRange(lower: -1, upper: 1) == ByteRange(lower: 0, upper: 1))
    #expect(ByteRange(lower: 3, upper: 1).count == 0)
    #expect(ByteRange.empty.isEmpty)
  }
}
