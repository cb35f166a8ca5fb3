import Testing

@testable import relevo

@Suite("the flags about cookies")
struct CookieFlagTests {
  @Test("prefix and sticky cookie reach the proxy, from the command line and from the environment")
  func reachProxy() throws {
    for command in [
      try serve("--old-cookie-prefix", "old_", "--sticky-cookie", "PHPSESSID"),
      try serve(
        environment: ["RELEVO_OLD_COOKIE_PREFIX": "old_", "RELEVO_STICKY_COOKIE": "PHPSESSID"]),
    ] {
      let configuration = try command.proxyConfiguration(descriptors: DescriptorLimit(descriptors: 1024))
      #expect(configuration.oldCookiePrefix == "old_")
      #expect(configuration.stickyCookie == "PHPSESSID")
    }
  }

  @Test("a prefix begins with a letter or a digit", arguments: ["old_", "o", "2-x."])
  func prefix(text: String) throws {
    #expect(try CookieFlags.parse(["--old-cookie-prefix", text]).oldCookiePrefix?.text == text)
  }

  @Test(
    "a prefix that is no start of a cookie's name, or that could make a name special to browsers, is refused",
    arguments: [
      "", "_", "__Host-", "-old", "$a", ".a", "old;", "old=", "old ", "a,b", "\u{E9}", "old\u{7F}", "\"a\"",
      String(repeating: "a", count: 33),
    ])
  func badPrefix(text: String) {
    let sentence = BadValue(
      "write 1 to 32 letters, digits, - or _ of which the first is a letter or a digit, as in old_")
    #expect(throws: sentence) { try CookiePrefixArgument(parsing: text) }
  }

  @Test("the sticky cookie may have any name", arguments: ["PHPSESSID", "__Host-sid", "a.b|c~d"])
  func stickyCookie(text: String) throws {
    #expect(try CookieFlags.parse(["--sticky-cookie", text]).stickyCookie?.text == text)
  }

  @Test(
    "what cannot be a cookie's name is no sticky cookie",
    arguments: ["", "a b", "a=b", "a;", "a,b", "\"a\"", "\u{E9}", "a\t", String(repeating: "a", count: 257)])
  func badStickyCookie(text: String) {
    let sentence = BadValue("write the name of the cookie that holds the new site's session, as in PHPSESSID")
    #expect(throws: sentence) { try CookieNameArgument(parsing: text) }
  }

  @Test("a sticky cookie that the prefix would give to the old server is refused")
  func contradiction() throws {
    let refused = failure(
      "serve", "--new", "http://new", "--old", "http://old", "--sticky-cookie", "old_sid",
      "--old-cookie-prefix",
      "old_")
    #expect(
      refused?.description
        == "--sticky-cookie old_sid begins with --old-cookie-prefix old_, so that it would go to the old server alone: choose another prefix"
    )
    #expect(refused?.code == 64)
    _ = try serve("--sticky-cookie", "sid", "--old-cookie-prefix", "old_")
  }
}
