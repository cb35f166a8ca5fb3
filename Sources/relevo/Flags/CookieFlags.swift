import ArgumentParser

struct CookieFlags: ParsableArguments {
  @Option(
    help: .flag(
      "Let clients keep the cookies of the old server under names that begin so, as in old_: both sites may then use one name. They go back to the old server alone, under their own names.",
      value: "prefix", default: "none, every cookie goes to both sites"),
    transform: CookiePrefixArgument.init(parsing:))
  var oldCookiePrefix: CookiePrefixArgument?

  @Option(
    help: .flag(
      "Keep a session on its server of the new site by this cookie of theirs, as in PHPSESSID: its value carries the server's id to the client and back, and no server sees that.",
      value: "name", default: "none, the balance decides about each request"),
    transform: CookieNameArgument.init(parsing:))
  var stickyCookie: CookieNameArgument?

  /// The check that neither flag can make alone.
  func checkTogether() throws(CommandFailure) {
    guard let prefix = oldCookiePrefix?.text, let name = stickyCookie?.text, name.hasPrefix(prefix) else {
      return
    }
    throw CommandFailure(
      "--sticky-cookie \(name) begins with --old-cookie-prefix \(prefix), so that it would go to the old server alone: choose another prefix",
      code: .usage)
  }
}

/// `--old-cookie-prefix`: how names of cookies begin.
struct CookiePrefixArgument: Sendable, CustomStringConvertible {
  /// Browsers refuse a cookie whose name and value are longer than 4096 bytes together.
  private static let longestBytes = 32

  let text: String

  init(parsing text: String) throws(BadValue) {
    // With another first byte a name could become one that browsers treat in a way of its own: `_` and `_Host-a`.
    guard let first = text.utf8.first, CookieName.isLetterOrDigit(first),
      text.utf8.allSatisfy(CookieName.isTokenByte),
      text.utf8.count <= Self.longestBytes
    else {
      throw BadValue(
        "write 1 to \(Self.longestBytes) letters, digits, - or _ of which the first is a letter or a digit, as in old_"
      )
    }
    self.text = text
  }

  var description: String { text }
}

/// `--sticky-cookie`: the name of a cookie.
struct CookieNameArgument: Sendable, CustomStringConvertible {
  private static let longestBytes = 256

  let text: String

  init(parsing text: String) throws(BadValue) {
    guard 1...Self.longestBytes ~= text.utf8.count, text.utf8.allSatisfy(CookieName.isTokenByte) else {
      throw BadValue("write the name of the cookie that holds the new site's session, as in PHPSESSID")
    }
    self.text = text
  }

  var description: String { text }
}

/// What the name of a cookie is made of (RFC 6265, 4.1.1).
enum CookieName {
  static func isTokenByte(_ byte: UInt8) -> Bool {
    isLetterOrDigit(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
  }

  static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
