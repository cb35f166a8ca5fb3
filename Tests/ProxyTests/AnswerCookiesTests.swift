import HTTP1
import Testing

@testable import Proxy

@Suite("the cookies of an answer on their way to the client")
struct AnswerCookiesTests {
  /// The field lines that a client of `host` gets of these.
  private func forward(
    _ lines: [String], prefix: String? = "old_", server: String = "10.0.0.5:81",
    oldHost: String? = "old.internal", host: String = "www.example.com"
  ) throws -> [String] {
    let source = AnswerSource.old(
      AnswerSource.Old(
        address: OldAddress(
          server: HostAndPort(Array(server.utf8)), host: oldHost.map { HostAndPort(Array($0.utf8)) }),
        cookies: prefix.map { CookieRules(oldPrefix: OldCookiePrefix($0), sticky: StickyCookie("sid")) }))
    return try forward(lines, source, host)
  }

  private func forward(_ lines: [String], _ source: AnswerSource, _ host: String = "h") throws -> [String] {
    let message = (["HTTP/1.1 200 OK", "A: 1"] + lines + ["Z: 2"]).joined(separator: "\r\n") + "\r\n\r\n"
    let forwarded = try withAnswer(message) { head, fields, bytes in
      var writer = ByteWriter(capacity: 16)
      AnswerWriter.write(
        head, fields: fields, bytes: bytes,
        shape: AnswerShape(isChunked: false, connection: nil, route: nil), source: source,
        publicAuthority: Array(host.utf8).span.bytes, into: &writer)
      return text(writer)
    }
    let all = forwarded.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
    #expect(Array(all.prefix(2)) == ["HTTP/1.1 200 OK", "A: 1"] && Array(all.suffix(3)) == ["Z: 2", "", ""])
    return Array(all.dropFirst(2).dropLast(3))
  }

  static let names: [(String, String)] = [
    ("Set-Cookie: sid=1", "Set-Cookie: old_sid=1"),
    ("set-cookie:sid=1;path=/", "set-cookie:old_sid=1;path=/"),
    ("SET-COOKIE:  sid = 1 ; Path = / ;; Secure ", "SET-COOKIE:  old_sid = 1 ; Path = / ;; Secure "),
    (
      "Set-Cookie: sid=\"a b\"; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=None; Partitioned",
      "Set-Cookie: old_sid=\"a b\"; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=None; Partitioned"
    ),
    ("Set-Cookie: sid=deleted; Max-Age=0; path=/x", "Set-Cookie: old_sid=deleted; Max-Age=0; path=/x"),
    ("Set-Cookie: sid=", "Set-Cookie: old_sid="),
    ("Set-Cookie: old_sid=1", "Set-Cookie: old_old_sid=1"),
    ("Set-Cookie: a=b=c; x=y", "Set-Cookie: old_a=b=c; x=y"),
    ("Set-Cookie: \u{E9}=1", "Set-Cookie: old_\u{E9}=1"),
    ("Set-Cookie: __Host-sid=1; Secure; Path=/", "Set-Cookie: __Host-old_sid=1; Secure; Path=/"),
    ("Set-Cookie: __secure-sid=1; Secure", "Set-Cookie: __secure-old_sid=1; Secure"),
    ("Set-Cookie: __Host-Http-a=1", "Set-Cookie: __Host-Http-old_a=1"),
    ("Set-Cookie: __Http-a=1", "Set-Cookie: __Http-old_a=1"),
    ("Set-Cookie: __Host-=1", "Set-Cookie: __Host-old_=1"),
    ("Set-Cookie: __Hos=1", "Set-Cookie: old___Hos=1"),
    ("Set-Cookie: _a=1", "Set-Cookie: old__a=1"),
    // What is no cookie with a name has none to change.
    ("Set-Cookie: sid", "Set-Cookie: sid"),
    ("Set-Cookie: =sid", "Set-Cookie: =sid"),
    ("Set-Cookie:", "Set-Cookie:"),
    ("Set-Cookie: ; a=b", "Set-Cookie: ; a=b"),
    ("Set-Cookie2: sid=1", "Set-Cookie2: sid=1"),
    ("X-Set-Cookie: sid=1", "X-Set-Cookie: sid=1"),
  ]

  @Test("have the prefix in front of their name, and all else stays byte for byte", arguments: names)
  func prefixes(_ line: String, _ expected: String) throws {
    #expect(try forward([line]) == [expected])
  }

  @Test("may be several")
  func several() throws {
    #expect(
      try forward(["Set-Cookie: a=1", "Set-Cookie: b=2; Secure", "X: y", "set-cookie: c=3"])
        == ["Set-Cookie: old_a=1", "Set-Cookie: old_b=2; Secure", "X: y", "set-cookie: old_c=3"])
  }

  static let domains: [(String, String)] = [
    // The old server's own names, and what lies above them: no browser would keep such a cookie.
    ("a=1; Domain=old.internal; Path=/", "a=1; Path=/"),
    ("a=1; Path=/; domain=OLD.Internal", "a=1; Path=/"),
    ("a=1;DOMAIN = .old.internal ;Secure", "a=1;Secure"),
    ("a=1; Domain=internal", "a=1"),
    ("a=1; Domain=10.0.0.5; Path=/", "a=1; Path=/"),
    ("a=1; Domain=old.internal; x; Domain=.internal", "a=1; x"),
    // Valid for the client's name of the site.
    ("a=1; Domain=www.example.com", "a=1; Domain=www.example.com"),
    ("a=1; Domain=.Example.com", "a=1; Domain=.Example.com"),
    ("a=1; Domain=com", "a=1; Domain=com"),
    // Of others, and of nobody.
    ("a=1; Domain=sub.old.internal", "a=1; Domain=sub.old.internal"),
    ("a=1; Domain=old.internal:81", "a=1; Domain=old.internal:81"),
    ("a=1; Domain=elsewhere.example", "a=1; Domain=elsewhere.example"),
    ("a=1; Domain=nternal", "a=1; Domain=nternal"),
    ("a=1; Domain=xample.com", "a=1; Domain=xample.com"),
    ("a=1; Domain=", "a=1; Domain="),
    ("a=1; Domain=.", "a=1; Domain=."),
    ("a=1; Domain", "a=1; Domain"),
    ("Domain=old.internal", "Domain=old.internal"),
    ("a=1; XDomain=old.internal", "a=1; XDomain=old.internal"),
  ]

  @Test("lose a domain that is the old server's own, and keep every other", arguments: domains)
  func dropsDomain(_ value: String, _ expected: String) throws {
    #expect(try forward(["Set-Cookie: \(value)"], prefix: nil) == ["Set-Cookie: \(expected)"])
    #expect(try forward(["Set-Cookie:  \(value) "]) == ["Set-Cookie:  old_\(expected) "])
  }

  @Test("keep a domain that is the old server's own and the client's name for the site")
  func keepsPublicDomain() throws {
    let lines = ["Set-Cookie: a=1; Domain=example.com", "Set-Cookie: a=1; Domain=old.example.com"]
    #expect(
      try forward(lines, prefix: nil, oldHost: "old.example.com:8080")
        == ["Set-Cookie: a=1; Domain=example.com", "Set-Cookie: a=1"])
    #expect(
      try forward(lines, prefix: nil, oldHost: "old.example.com", host: "old.example.com:8443") == lines)
    #expect(
      try forward(["Set-Cookie: a=1; Domain=10.0.0.5"], prefix: nil, host: "10.0.0.5")
        == ["Set-Cookie: a=1; Domain=10.0.0.5"])
  }

  @Test("of the new pool stay as they are, and their names are remembered but for those that it deletes")
  func notesNew() throws {
    let rules = CookieRules(oldPrefix: OldCookiePrefix("old_"), sticky: nil)
    let lines = [
      "Set-Cookie: sid=1; Domain=old.internal", "set-cookie: a=1; max-age=60", "Set-Cookie: gone=; Path=/",
      "Set-Cookie: over=deleted; Max-Age=0", "Set-Cookie: past=x; max-age = -1", "Set-Cookie: =x",
      "Set-Cookie: y",
    ]
    #expect(try forward(lines, .new(AnswerSource.New(cookies: rules, tag: []))) == lines)
    let known = ["sid", "a", "gone", "over", "past", "", "y"].filter {
      rules.namesOfNew.contains(Array($0.utf8).span.bytes)
    }
    #expect(known == ["sid", "a"])
  }

  static let sticky: [(String, String)] = [
    ("Set-Cookie: sid=abc; Path=/; HttpOnly", "Set-Cookie: sid=web1~abc; Path=/; HttpOnly"),
    ("set-cookie:  sid = a b ;Secure ", "set-cookie:  sid = web1~a b ;Secure "),
    ("Set-Cookie: sid=\"abc\"", "Set-Cookie: sid=web1~\"abc\""),
    ("Set-Cookie: sid=a~b", "Set-Cookie: sid=web1~a~b"),
    ("Set-Cookie: sid=web1~a", "Set-Cookie: sid=web1~web1~a"),
    ("Set-Cookie: sid=a=b; Max-Age=3600", "Set-Cookie: sid=web1~a=b; Max-Age=3600"),
    // What deletes it, and what is another cookie.
    ("Set-Cookie: sid=; Path=/", "Set-Cookie: sid=; Path=/"),
    (
      "Set-Cookie: sid=deleted; expires=x; MAX-AGE=0; path=/",
      "Set-Cookie: sid=deleted; expires=x; MAX-AGE=0; path=/"
    ),
    ("Set-Cookie: sid=x; Max-Age=-5", "Set-Cookie: sid=x; Max-Age=-5"),
    ("Set-Cookie: Sid=a; sid=b", "Set-Cookie: Sid=a; sid=b"),
    ("Set-Cookie: sid2=a", "Set-Cookie: sid2=a"),
    ("Set-Cookie: sid", "Set-Cookie: sid"),
    ("Set-Cookie: =sid=a", "Set-Cookie: =sid=a"),
    ("X-Set-Cookie: sid=a", "X-Set-Cookie: sid=a"),
  ]

  @Test("of the new pool have the id of their server in front of the sticky one's value", arguments: sticky)
  func tags(_ line: String, _ expected: String) throws {
    let rules = CookieRules(oldPrefix: nil, sticky: StickyCookie("sid"))
    let source = AnswerSource.new(AnswerSource.New(cookies: rules, tag: StickyCookie.tag(id: "web1")))
    #expect(try forward([line, "Set-Cookie: b=1"], source) == [expected, "Set-Cookie: b=1"])
  }
}
