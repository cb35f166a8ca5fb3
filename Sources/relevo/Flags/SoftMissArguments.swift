/// A path of `--old-miss-redirect`.
struct MissPathArgument: Sendable, CustomStringConvertible {
  let path: String

  init(parsing text: String) throws(BadValue) {
    guard text.hasPrefix("/"), text.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "#") }) else {
      throw BadValue("write the path that the old server redirects to, as in / or /error.html")
    }
    path = text
  }

  var description: String { path }
}

/// A text of `--old-miss-body`.
struct MissTextArgument: Sendable, CustomStringConvertible {
  /// Longer ones would only be slower to tell from other pages.
  private static let longestBytes = 1024

  let text: String

  init(parsing text: String) throws(BadValue) {
    guard 1...Self.longestBytes ~= text.utf8.count else {
      throw BadValue("give a text of 1 to \(Self.longestBytes) bytes that only the page of a miss has")
    }
    self.text = text
  }

  var description: String { text }
}
