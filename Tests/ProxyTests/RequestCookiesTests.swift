import HTTP1
import Testing

@testable import Proxy

@Suite("a client's cookies on their way to both sites")
struct RequestCookiesTests {
  /// The field lines that a site gets of these, in a request with another field before and behind.
  private func forward(
    _ lines: [String], to site: Site, namesOfNew: [String] = [], prefix: String? = "old_",
    sticky: String? = nil, servers: [String] = []
  ) throws -> [String] {
    let rules = CookieRules(
      oldPrefix: prefix.map(OldCookiePrefix.init), sticky: sticky.map(StickyCookie.init))
    let view = CookieView(rules: rules, site: site, tags: servers.map(StickyCookie.tag(id:)))
    for name in namesOfNew { rules.namesOfNew.insert(Array(name.utf8).span.bytes) }
    let message = (["GET / HTTP/1.1", "Host: h"] + lines + ["X: 1"]).joined(separator: "\r\n") + "\r\n\r\n"
    let sender = Sender(peer: try peerNamed("192.0.2.7"))
    let forwarded = try withRequest(message) { head, fields, bytes in
      var writer = ByteWriter(capacity: 16)
      RequestWriter.write(
        head, fields: fields, bytes: bytes, shape: RequestShape(cookies: view),
        fallbackHost: [], sender: sender, policy: ForwardingPolicy(writesForwarded: false, writesVia: false),
        into: &writer)
      return text(writer)
    }
    let all = forwarded.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
    #expect(
      Array(all.prefix(2)) == ["GET / HTTP/1.1", "Host: h"] && Array(all.suffix(3)) == ["X: 1", "", ""])
    return Array(all.dropFirst(2).dropLast(3))
  }

  /// A Cookie field, and what the new pool and the old server get of it; nil: nothing.
  struct Case: Sendable, CustomTestStringConvertible {
    let line: String
    let new: String?
    let old: String?

    init(_ line: String, new: String?, old: String?) {
      (self.line, self.new, self.old) = (line, new, old)
    }

    /// The same for both.
    init(kept line: String) { self.init(line, new: line, old: line) }

    var testDescription: String { line.debugDescription }
  }

  static let cases = [
    // Each site gets what is its own.
    Case("Cookie: old_sid=o", new: nil, old: "Cookie: sid=o"),
    Case("Cookie: sid=n", new: "Cookie: sid=n", old: "Cookie: sid=n"),
    Case("Cookie: sid=n; old_sid=o", new: "Cookie: sid=n", old: "Cookie: sid=o"),
    Case("Cookie: old_sid=o; sid=n", new: "Cookie: sid=n", old: "Cookie: sid=o"),
    Case("Cookie: _ga=1; old_sid=o; c=2", new: "Cookie: _ga=1; c=2", old: "Cookie: _ga=1; sid=o; c=2"),
    Case("Cookie: old_a=1; old_b=2; old_c=3", new: nil, old: "Cookie: a=1; b=2; c=3"),
    Case("Cookie: old_a=1; x=y; old_b=2", new: "Cookie: x=y", old: "Cookie: a=1; x=y; b=2"),
    // Twice the same name goes on twice, in this order.
    Case("Cookie: old_a=1; old_a=2; a=3; a=4", new: "Cookie: a=3; a=4", old: "Cookie: a=1; a=2"),
    // The prefix comes off once.
    Case("Cookie: old_old_a=1; old_a=2", new: nil, old: "Cookie: old_a=1; a=2"),
    // Names are told apart by case, and the prefix has a name behind it.
    Case(kept: "Cookie: OLD_a=1; Old_b=2"),
    Case(kept: "Cookie: old_=1; old=2; _old_a=3; xold_b=4"),
    Case("Cookie: old_a=1; A=2", new: "Cookie: A=2", old: "Cookie: a=1; A=2"),
    Case("Cookie: old_ab=1; a=2; abc=3", new: "Cookie: a=2; abc=3", old: "Cookie: ab=1; a=2; abc=3"),
    // What means something to browsers stays in front.
    Case("Cookie: __Host-old_sid=o; __Host-sid=n", new: "Cookie: __Host-sid=n", old: "Cookie: __Host-sid=o"),
    Case("Cookie: __Secure-old_a=1", new: nil, old: "Cookie: __Secure-a=1"),
    Case("Cookie: __Http-old_a=1; __Host-Http-old_b=2", new: nil, old: "Cookie: __Http-a=1; __Host-Http-b=2"),
    Case("Cookie: __host-old_a=1; __SECURE-old_b=2", new: nil, old: "Cookie: __host-a=1; __SECURE-b=2"),
    Case("Cookie: __Hostold_a=1", new: "Cookie: __Hostold_a=1", old: "Cookie: __Hostold_a=1"),
    // No page of a neighbour's can make itself a cookie with the promises of these names.
    Case(kept: "Cookie: old___Host-sid=x; old___secure-a=y"),
    Case(kept: "Cookie: __Host-old_Http-a=1"),
    // White space, empty parts, quotes, equals signs and what is no cookie stay as they are.
    Case("Cookie:old_a=1;b=2", new: "Cookie:b=2", old: "Cookie:a=1;b=2"),
    Case("cookie:  old_a = 1 ;\tb\t=2  ", new: "cookie:  b\t=2  ", old: "cookie:  a = 1 ;\tb\t=2  "),
    Case("COOKIE: a=1 ;  old_b=2  ; c=3", new: "COOKIE: a=1 ; c=3", old: "COOKIE: a=1 ;  b=2  ; c=3"),
    Case("Cookie: a=1; old_b=2", new: "Cookie: a=1", old: "Cookie: a=1; b=2"),
    Case("Cookie: a=1; old_b=2;", new: "Cookie: a=1;", old: "Cookie: a=1; b=2;"),
    Case("Cookie: ;; old_a=1;; b=2", new: "Cookie: b=2", old: "Cookie: ;; a=1;; b=2"),
    Case("Cookie: old_a=1; ; ;", new: nil, old: "Cookie: a=1; ; ;"),
    Case("Cookie: ; old_a=1; ;", new: nil, old: "Cookie: ; a=1; ;"),
    Case(
      "Cookie: old_a=\"1=2\"; b=\"old_c=3\"", new: "Cookie: b=\"old_c=3\"",
      old: "Cookie: a=\"1=2\"; b=\"old_c=3\""),
    Case("Cookie: a=\"x; old_b=y\"", new: "Cookie: a=\"x", old: "Cookie: a=\"x; b=y\""),
    Case(kept: "Cookie: old_a; old_b"),
    Case(kept: "Cookie: =old_a; ="),
    Case(kept: "Cookie: a=old_b=1, old_c=2"),
    Case(kept: "Cookie:"),
    Case(kept: "Cookie: ;"),
    Case(kept: "Cookie: a=\u{E9}; \u{E9}=1;;\"; ==;"),
    Case("Cookie: old_\u{E9}=1; \u{E9}=2", new: "Cookie: \u{E9}=2", old: "Cookie: \u{E9}=1"),
    // Other fields are not cookies.
    Case(kept: "X-Cookie: old_a=1"),
    Case(kept: "Cookie2: old_a=1"),
  ]

  @Test("go to the site that set them, each under its own name", arguments: cases)
  func goToTheirSite(_ one: Case) throws {
    #expect(try forward([one.line], to: .new) == (one.new.map { [$0] } ?? []))
    #expect(try forward([one.line], to: .old) == (one.old.map { [$0] } ?? []))
  }

  @Test("may stand in several fields, which decide about each other and keep their order")
  func severalFields() throws {
    let lines = ["Cookie: sid=n; a=1", "Y: 2", "cookie: old_b=2", "Cookie: old_sid=o", "Cookie: c=3; b=4"]
    #expect(
      try forward(lines, to: .new) == ["Cookie: sid=n; a=1", "Y: 2", "Cookie: c=3; b=4"])
    #expect(
      try forward(lines, to: .old) == ["Cookie: a=1", "Y: 2", "cookie: b=2", "Cookie: sid=o", "Cookie: c=3"])
  }

  @Test("that the new pool has set do not go to the old server")
  func ofNew() throws {
    let line = "Cookie: PHPSESSID=n; _ga=1; old_a=2; lang=es"
    #expect(
      try forward([line], to: .old, namesOfNew: ["PHPSESSID", "lang", "a"]) == ["Cookie: _ga=1; a=2"])
    #expect(
      try forward([line], to: .new, namesOfNew: ["PHPSESSID", "lang", "a"])
        == ["Cookie: PHPSESSID=n; _ga=1; lang=es"])
    #expect(try forward(["Cookie: sid=n"], to: .old, namesOfNew: ["sid"]) == [])
  }

  @Test("stay as they are, byte for byte, where no flag asks for more")
  func off() throws {
    let message = "GET / HTTP/1.1\r\nHost: h\r\nCookie: old_a=1;;a=2 \r\n\r\n"
    let sender = Sender(peer: try peerNamed("192.0.2.7"))
    let forwarded = try withRequest(message) { head, fields, bytes in
      var writer = ByteWriter(capacity: 16)
      RequestWriter.write(
        head, fields: fields, bytes: bytes, shape: RequestShape(), fallbackHost: [], sender: sender,
        policy: ForwardingPolicy(writesForwarded: false, writesVia: false), into: &writer)
      return text(writer)
    }
    #expect(forwarded == message)
  }

  @Test("are told apart in a request of nothing but cookies, within the time of a moment")
  func many() throws {
    let plain = (0..<650).map { "a\($0)=1" }
    let kept = (0..<650).map { "old_a\($0)=2" }
    let started = ContinuousClock.now
    let lines = ["Cookie: " + (plain + kept).joined(separator: "; ")]
    let forNew = try forward(lines, to: .new)
    #expect(forNew == ["Cookie: " + plain.joined(separator: "; ")])
    // Past the names that there is room for, both go on.
    let forOld = try forward(lines, to: .old)
    #expect(
      forOld
        == ["Cookie: " + (plain.dropFirst(200) + (0..<650).map { "a\($0)=2" }).joined(separator: "; ")])
    #expect(started.duration(to: .now) < .seconds(5))
  }

  static let sticky: [(String, String)] = [
    ("Cookie: sid=web1~abc", "Cookie: sid=abc"),
    ("Cookie: a=1; sid=web.2~abc; b=2", "Cookie: a=1; sid=abc; b=2"),
    // The first tilde ends the id, and the value has its own.
    ("Cookie: sid=web1~a~b~", "Cookie: sid=a~b~"),
    ("Cookie: sid=web1~web1~a", "Cookie: sid=web1~a"),
    ("Cookie: sid=web1~", "Cookie: sid="),
    ("cookie:  sid = web1~\"a b\" ;x", "cookie:  sid = \"a b\" ;x"),
    ("Cookie: sid=web1~a; sid=web.2~b; sid=c", "Cookie: sid=a; sid=b; sid=c"),
    // Ids that a server may have had which is gone.
    ("Cookie: sid=3f09c1~a", "Cookie: sid=a"),
    ("Cookie: sid=web-3f09c1~a", "Cookie: sid=a"),
    // What an application may have written itself, with the tildes of its own.
    ("Cookie: sid=a~b", "Cookie: sid=a~b"),
    ("Cookie: sid=~a", "Cookie: sid=~a"),
    ("Cookie: sid=web3~a", "Cookie: sid=web3~a"),
    ("Cookie: sid=WEB1~a", "Cookie: sid=WEB1~a"),
    ("Cookie: sid=xweb1~a", "Cookie: sid=xweb1~a"),
    ("Cookie: sid=3f09c~a; sid=3F09C1~a; sid=x3f09c1~a", "Cookie: sid=3f09c~a; sid=3F09C1~a; sid=x3f09c1~a"),
    ("Cookie: sid=a b-3f09c1~a", "Cookie: sid=a b-3f09c1~a"),
    ("Cookie: sid=\"web1~a\"", "Cookie: sid=\"web1~a\""),
    // Other cookies.
    ("Cookie: Sid=web1~a; sid2=web1~b; ssid=web1~c", "Cookie: Sid=web1~a; sid2=web1~b; ssid=web1~c"),
    ("Cookie: sid; web1~a", "Cookie: sid; web1~a"),
    ("Cookie: x=sid=web1~a", "Cookie: x=sid=web1~a"),
  ]

  @Test("lose the id of their server in front of a value, on the way to either site", arguments: sticky)
  func untag(_ line: String, _ expected: String) throws {
    for site in Site.allCases {
      #expect(
        try forward([line], to: site, prefix: nil, sticky: "sid", servers: ["web1", "web.2"]) == [expected])
    }
    #expect(try forward([line], to: .new, sticky: "sid", servers: ["web1", "web.2"]) == [expected])
  }

  @Test(
    "with the id of one of the new pool's servers are none of the old server's where cookies are told apart")
  func taggedIsNew() throws {
    let line = "Cookie: sid=web1~n; a=1"
    #expect(try forward([line], to: .old, sticky: "sid", servers: ["web1"]) == ["Cookie: a=1"])
    #expect(
      try forward([line + "; old_sid=o"], to: .old, sticky: "sid", servers: ["web1"])
        == ["Cookie: a=1; sid=o"])
    #expect(
      try forward(["Cookie: old_sid=web1~o"], to: .old, sticky: "sid", servers: ["web1"])
        == ["Cookie: sid=web1~o"], "the old server's own value has its own tilde")
  }

  @Test(
    "name the server that a session began on, or the session alone",
    arguments: [
      ("Cookie: sid=b~1", "1 1"), ("Cookie: x=1; sid=a~1~2", "0 1~2"), ("Cookie: sid=c~1", "- c~1"),
      ("Cookie: sid=1", "- 1"), ("Cookie: sid=", nil), ("Cookie: sid", nil), ("X: 1", nil),
      ("Cookie: sid=c~1; sid=b~2; sid=a~3", "1 2"), ("Cookie: sid=1; sid=2", "- 1"),
      ("Cookie: y=a~1\r\nX: 1\r\ncookie: sid=a~1", "0 1"), ("Cookie: sid=3f09c1~1", "- 1"),
      ("Cookie: sid=ab~1", "- ab~1"), ("X-Cookie: sid=a~1", nil), ("Cookie: Sid=a~1", nil),
    ])
  func namesSession(_ lines: String, _ expected: String?) throws {
    let tags = ["a", "b"].map(StickyCookie.tag(id:))
    let found = try withRequest("GET / HTTP/1.1\r\nHost: h\r\n\(lines)\r\n\r\n") { _, fields, bytes in
      StickyCookie("sid").session(fields, bytes, among: tags).map { session in
        "\(session.server.map(String.init) ?? "-") \(session.value.text(in: bytes))"
      }
    }
    #expect(found == expected)
  }
}

@Suite("names of cookies seen")
struct CookieNamesTests {
  private func seen(_ names: CookieNames, _ name: String) -> Bool {
    names.contains(Array(name.utf8).span.bytes)
  }

  @Test("are known from then on, and others are not")
  func knows() {
    let names = CookieNames()
    #expect(!seen(names, "sid"))
    for _ in 1...3 { names.insert(Array("sid".utf8).span.bytes) }
    #expect(seen(names, "sid") && !seen(names, "Sid") && !seen(names, "si") && !seen(names, ""))
  }

  @Test("make room for new ones when an application invents them without end")
  func isBounded() {
    let names = CookieNames()
    for number in 0..<100_000 { names.insert(Array("user-\(number)".utf8).span.bytes) }
    #expect(seen(names, "user-99999"))
    let known = (0..<100_000).count { seen(names, "user-\($0)") }
    #expect(known > CookieNames.capacity / 2 && known <= CookieNames.capacity)
  }
}
