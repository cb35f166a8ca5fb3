import Testing

@testable import relevo

@Suite("the flags about cookies")
struct CookieFlagTests {
  @Test(
    "a prefix reaches the proxy, from the command line and from the environment",
    arguments: ["old_", "o", "2-x."])
  func prefix(text: String) throws {
    let descriptors = DescriptorLimit(descriptors: 1024)
    #expect(
      try serve("--old-cookie-prefix", text).proxyConfiguration(descriptors: descriptors).oldCookiePrefix
        == text)
    #expect(
      try serve(environment: ["RELEVO_OLD_COOKIE_PREFIX": text]).proxyConfiguration(descriptors: descriptors)
        .oldCookiePrefix == text)
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

  @Test("the sticky cookie reaches the proxy", arguments: ["PHPSESSID", "__Host-sid", "a.b|c~d"])
  func stickyCookie(text: String) throws {
    let descriptors = DescriptorLimit(descriptors: 1024)
    #expect(
      try serve("--sticky-cookie", text).proxyConfiguration(descriptors: descriptors).stickyCookie == text)
    #expect(
      try serve(environment: ["RELEVO_STICKY_COOKIE": text]).proxyConfiguration(descriptors: descriptors)
        .stickyCookie == text)
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
