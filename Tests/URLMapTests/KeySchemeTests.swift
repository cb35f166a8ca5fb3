import Testing

@testable import URLMap

/// The key as text; nil when there is none.
private func key(
  _ target: String, host: String = "", _ parts: KeyScheme.Parts = .pathQuery,
  ignoring ignored: IgnoredQuery = .tracking
) -> String? {
  KeyScheme(parts, ignoring: ignored).key(of: Array(target.utf8), host: Array(host.utf8))
    .map { String(decoding: $0, as: UTF8.self) }
}

@Suite("the key of a request")
struct KeySchemeTests {
  @Test(
    "consists of the parts that were chosen",
    arguments: [
      (KeyScheme.Parts.path, "/~a%2Fb"), (.pathQuery, "/~a%2Fb?p=7"), (.hostPath, "www.example.com/~a%2Fb"),
      (.hostPathQuery, "www.example.com/~a%2Fb?p=7"),
    ])
  func parts(_ parts: KeyScheme.Parts, _ expected: String) {
    #expect(key("/%7Ea%2fb?p=7&utm_source=x", host: "WWW.example.com:8080", parts) == expected)
    #expect(KeyScheme.Parts(rawValue: parts.rawValue) == parts)
  }

  @Test("the empty path of http://host is the root", arguments: KeyScheme.Parts.allCases)
  func emptyPath(parts: KeyScheme.Parts) {
    #expect(key("", host: "h", parts) == (parts.haveHost ? "h/" : "/"))
  }

  static let equivalents = [
    ["/~user", "/%7Euser", "/%7euser"], ["/a-b.c_d", "/%61%2Db%2ec%5f%64", "/a%2db%2Ec_d"],
    ["/caf%C3%A9", "/caf%c3%a9", "/c%61f%C3%a9"], ["/a?b=c", "/a?%62=c", "/%61?b=%63"],
    ["/../x", "/%2e%2E/x", "/.%2e/x"], ["/100%25", "/%31%300%25"], ["/AZaz09", "/%41%5A%61%7a%30%39"],
    ["/a?x=1", "/a?x=1&utm_source=y", "/a?%75tm_medium=z&x=1", "/a?gclid&x=1&utm%5Fid=3"],
    ["/a", "/a?utm_source=y", "/a?&gclid=1", "/a?gclid=1&"],
  ]

  @Test("equivalents of RFC 3986, 6.2.2 share one key", arguments: equivalents)
  func share(targets: [String]) {
    #expect(targets.map { key($0) } == targets.map { _ in targets[0] })
  }

  static let neighbours = [
    "/", "//", "/a", "/a/", "//a", "/a//b", "/a/b", "/a/./b", "/a/../b", "/b", "/./b", "/../b", "/a%2Fb",
    "/a%2F/b",
    "/a%5Cb", "/a\\b", "/a%3Fb", "/a?b", "/a?", "/a??", "/A", "/a%20", "/a+", "/a%2B", "/a%00", "/a%",
    "/a%25",
    "/a%zz", "/a%ZZ", "/a%2", "/a%2525", "/a;x", "/a%3Bx", "/a&", "/a%26", "/a?b&c", "/a?b%26c", "/a?c&b",
    "/a?b=", "/a?b=%3D", "/a?b==", "/a%23b", "/a%C3%A9", "/a%C3%89", "/a?b&&c", "/a:b", "/a%3Ab", "/a!",
    "/a%21",
  ]

  @Test("no other URLs do, whatever they look like")
  func differ() {
    let keys = Self.neighbours.map { key($0) }
    #expect(keys == Self.neighbours)
    #expect(Set(keys).count == Self.neighbours.count)
  }

  @Test(
    "a percent sign that begins no encoding stays, and nothing is decoded into one",
    arguments: [
      "/%", "/%%", "/%4", "/%zz", "/%4g", "/%g4", "/a%", "/%%41x", "/%4%31", "/%%34%31", "/%%341", "/%4%41",
    ])
  func malformed(target: String) throws {
    let once = try #require(key(target))
    #expect(key(once) == once)
    #expect(once.filter { $0 == "%" }.count >= 1)
    #expect(!once.contains("%41") || target.contains("%41"))
  }

  @Test(
    "a digit is decoded behind a whole encoding, and a letter that is no digit behind a lone percent sign")
  func decodedBehind() {
    #expect(key("/%C3%41") == "/%C3A")
    #expect(key("/%%7A") == "/%z")
    #expect(key("/%25%34%31") == "/%2541")
  }

  @Test(
    "a host counts without its port and its case",
    arguments: [
      ("example.com", "example.com"), ("Example.COM:80", "example.com"), ("example.com:", "example.com"),
      ("10.0.0.1:8080", "10.0.0.1"), ("[2001:DB8::1]:443", "[2001:db8::1]"), ("[::1]", "[::1]"), ("h1", "h1"),
      ("example.com.", "example.com."),
    ])
  func hosts(host: String, expected: String) {
    #expect(key("/a", host: host, .hostPath) == expected + "/a")
    #expect(key("/a", host: expected, .hostPath) == expected + "/a")
    #expect(key("/a", host: host, .path) == "/a")
  }

  @Test(
    "where keys have a host and there is none, there is no key",
    arguments: ["", ":80", "a/b", "a?b", "#a", "a b", "ä"])
  func noHost(host: String) {
    #expect(key("/a", host: host, .hostPath) == nil)
    #expect(key("/a", host: host, .pathQuery) == "/a")
  }

  @Test(
    "what is no path has no key, nor has what no request line holds",
    arguments: ["*", "a", "?a", "http://a/b", "/a#b", "/a b", "/ä", "/\u{7F}", "/\0"])
  func noKey(target: String) {
    for parts in KeyScheme.Parts.allCases { #expect(key(target, host: "h", parts) == nil) }
  }

  @Test("a target without percent signs and ignored parameters is its own key, and nothing is written")
  func noCopy() {
    func find(_ target: String, _ parts: KeyScheme.Parts) -> (KeyScheme.Key, [UInt8]) {
      var room = Array("untouched".utf8)
      let key = KeyScheme(parts).key(
        of: Array(target.utf8).span.bytes, host: [UInt8]().span.bytes, writingInto: &room)
      return (key, room)
    }
    let untouched = Array("untouched".utf8)
    #expect(find("/a/b/c/d/e.html", .pathQuery) == (.target(byteCount: 15), untouched))
    #expect(find("/a?p=7&q=8", .pathQuery) == (.target(byteCount: 10), untouched))
    #expect(find("/a?p=7&gclid=8", .path) == (.target(byteCount: 2), untouched))
    #expect(find("/a?p=7&gclid=8", .pathQuery) == (.written, Array("/a?p=7".utf8)))
    #expect(find("/%61?p=7", .path) == (.written, Array("/a".utf8)))
    #expect(find("/a?%61", .path) == (.target(byteCount: 2), untouched))
  }

  @Test(
    "the key of a key is itself, it is one the map takes, and it is the same written as encoded as can be")
  func properties() {
    var random = SeededGenerator(seed: 3986)
    let pieces = [
      "/", "/", "?", "&", "=", "%", "%4", "%41", "%2f", "%2F", "%25", "%C3", "%3", "a", "B", "1", "4", "F",
      ".",
      "..", "~", "utm_", "utm_source", "gclid", "%75tm_x", "z", ";", "%zz", "%00", "%31", "%37%45", "-",
    ]
    let map = URLMap(.init(), startingWriter: false)
    let ignored: [IgnoredQuery] = [.tracking, .nothing, .everything]
    for _ in 0..<20_000 {
      let target =
        "/"
        + (0..<Int.random(in: 0...9, using: &random)).map { _ in pieces.randomElement(using: &random)! }
        .joined()
      let scheme = KeyScheme(
        .allCases.randomElement(using: &random)!, ignoring: ignored.randomElement(using: &random)!)
      guard let once = scheme.key(of: Array(target.utf8), host: Array("Host.test:80".utf8)) else {
        Issue.record("\(target) has no key")
        return
      }
      let start = scheme.parts.haveHost ? once.firstIndex(of: UInt8(ascii: "/"))! : 0
      let again = scheme.key(of: Array(once[start...]), host: Array(once[..<start]))
      guard again == once, map.isKey(once.span.bytes) else {
        Issue.record("\(target): \(String(decoding: once, as: UTF8.self))")
        return
      }
      guard !Self.hasLonePercent(target) else { continue }
      guard scheme.key(of: Self.encoded(target), host: Array("hOST.test".utf8)) == once else {
        Issue.record("\(target) is not the same when it is encoded")
        return
      }
    }
  }

  @Test("random bytes never trap, and have a key only if they are a path of a request line")
  func randomBytes() {
    var random = SeededGenerator(seed: 1)
    for _ in 0..<20_000 {
      var bytes = (0..<Int.random(in: 0...24, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      if Bool.random(using: &random) { bytes.insert(UInt8(ascii: "/"), at: 0) }
      let host = (0..<Int.random(in: 0...4, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      for parts in KeyScheme.Parts.allCases {
        var room: [UInt8] = []
        _ = KeyScheme(parts).key(of: bytes.span.bytes, host: host.span.bytes, writingInto: &room)
        let key = KeyScheme(parts).key(of: bytes, host: host)
        let isTarget =
          bytes.first.map { $0 == UInt8(ascii: "/") } ?? true
          && bytes.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }
        guard key == nil || isTarget else {
          Issue.record("\(bytes)")
          return
        }
      }
    }
  }

  /// Every unreserved byte as its encoding, in small digits, and every encoding as it stands.
  private static func encoded(_ target: String) -> [UInt8] {
    var encoded: [UInt8] = []
    var digits = 0
    for byte in target.utf8 {
      if byte == UInt8(ascii: "%") { digits = 3 }
      if digits == 0, byte.isUnreserved {
        encoded += Array(("%" + String(byte, radix: 16)).utf8)
      } else {
        encoded.append(byte)
      }
      digits = max(0, digits - 1)
    }
    return encoded
  }

  private static func hasLonePercent(_ target: String) -> Bool {
    let bytes = Array(target.utf8)
    return bytes.indices.contains {
      bytes[$0] == UInt8(ascii: "%") && bytes.span.bytes.octet(encodedAt: $0) == nil
    }
  }
}

@Suite("ignored query parameters")
struct IgnoredQueryTests {
  static let stripped: [(target: String, key: String)] = [
    ("/?utm_source=x", "/"),
    ("/a?utm_source=x&utm_medium=mail&utm_campaign=c&utm_=", "/a"),
    ("/a?gclid=1", "/a"), ("/a?fbclid", "/a"), ("/a?fbclid=", "/a"),
    ("/a?p=7&gclid=1", "/a?p=7"), ("/a?gclid=1&p=7", "/a?p=7"),
    ("/a?z=1&gclid=1&b=2&utm_id=3&a=3", "/a?z=1&b=2&a=3"),
    ("/a?p=7&p=7&_ga=1&p=6", "/a?p=7&p=7&p=6"),
    ("/a?&gclid=1", "/a"), ("/a?gclid=1&", "/a"), ("/a?&&gclid=1", "/a?&"), ("/a?&gclid=1&&p", "/a?&&p"),
    ("/a?p=a=b&_gl=1*x=y", "/a?p=a=b"),
    ("/a?p=7?gclid=1&gclid=2", "/a?p=7?gclid=1"), ("/a?utm%5fsource=%41", "/a"),
    ("/a?p=%41&gclid=1", "/a?p=A"),
    (
      "/?gclid&gclsrc&dclid&wbraid&gbraid&fbclid&msclkid&mc_cid&mc_eid&_ga&_gl&yclid&twclid&igshid&k", "/?k"
    ),
  ]

  @Test("are left out of the key, and nothing else is", arguments: stripped)
  func leavesOut(_ target: String, _ expected: String) {
    #expect(key(target) == expected)
    #expect(key(target, host: "h?", .hostPathQuery) == nil)
    #expect(key(target, host: "h", .hostPathQuery) == "h" + expected)
  }

  @Test(
    "are found by their whole name, in its case, in the query alone",
    arguments: [
      "/", "/a", "/?", "/a?", "/a?&", "/a?p=7", "/a?p=7&q=utm_source", "/gclid=1", "/utm_source=1/a?p",
      "/a?xgclid=1", "/a?gclidx=1", "/a?GCLID=1", "/a?utm=1", "/a?utmsource=1", "/a?p=gclid", "/a?_g=1",
      "/a?=gclid", "/a?mc_=1", "/a?gclid%3D1", "/gclid&utm_source=1",
    ])
  func findsNone(_ target: String) {
    #expect(key(target) == target)
  }

  @Test("can be named, by their beginnings too, as they stand in URLs or decoded")
  func named() throws {
    let ignored = try IgnoredQuery(names: ["sid", "s_*", "a%5b%5D", "%7Ex"])
    #expect(key("/a?sid=1&p&s_=2&s_x&sidx&a%5B%5d=4&~x", ignoring: ignored) == "/a?p&sidx")
    #expect(key("/a?gclid=1", ignoring: ignored) == "/a?gclid=1")
    #expect(ignored == (try IgnoredQuery(names: ["~x", "s_*", "a%5B%5D", "sid", "sid"])))
  }

  @Test("can be none or all")
  func noneAndAll() throws {
    #expect(try IgnoredQuery(names: []) == .nothing)
    #expect(try IgnoredQuery(names: ["sid", "*"]) == .everything)
    #expect(key("/a?utm_source=1", ignoring: .nothing) == "/a?utm_source=1")
    for target in ["/a?utm_source=1", "/a?p=%zz", "/a?", "/a"] {
      #expect(key(target, ignoring: .everything) == "/a")
      #expect(key(target, host: "h", .hostPathQuery, ignoring: .everything) == "h/a")
    }
  }

  @Test(
    "no other bytes make a name",
    arguments: ["", "**", "*a", "a*b", "a&b", "a=b", "a,b", "a#", "a b", "ä", "?a", "\u{7F}"])
  func badNames(name: String) {
    #expect(throws: BadParameterName(name: name)) { try IgnoredQuery(names: ["good", name]) }
  }

  @Test("the usual ones are all names")
  func usual() throws {
    #expect(try IgnoredQuery(names: IgnoredQuery.trackingNames) == .tracking)
    for name in IgnoredQuery.trackingNames {
      #expect(key("/a?" + name.replacing("*", with: "x") + "=1&k") == "/a?k", "\(name)")
    }
  }
}

@Suite("the search for a byte")
struct FirstOffsetTests {
  @Test("finds the first of two wherever it stands and wherever the search starts, in spans of every length")
  func everywhere() {
    for count in 0...26 {
      for place in 0...count {
        var bytes = [UInt8](repeating: 0x61, count: count)
        if place < count { bytes[place] = place % 2 == 0 ? 0x25 : 0x3F }
        for start in 0...count {
          let found = bytes.span.bytes.firstOffset(of: 0x25, or: 0x3F, from: start)
          #expect(found == (start <= place ? place : count), "\(count) \(place) \(start)")
        }
      }
    }
  }
}
