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
}
