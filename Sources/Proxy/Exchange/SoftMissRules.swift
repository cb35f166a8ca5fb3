/// What an old server answers for a page that it does not have, when it does not say so by its status: a soft 404.
public struct SoftMissRules: Sendable, Equatable {
  /// Paths that such an answer redirects to, as in `/` or `/error.html`.
  ///
  /// A query in the redirect does not count unless the rule has one; after `/` it does, as `/?p=7` is a page of its
  /// own.
  public var redirects: [String]
  /// Texts one of which such a page has in its first 64 KiB, byte for byte. None is empty.
  public var bodies: [String]

  public init(redirects: [String] = [], bodies: [String] = []) {
    self.redirects = redirects
    self.bodies = bodies
  }

  /// Whether a redirect to this path and query is a miss.
  public func isMiss(redirectTo target: [UInt8]) -> Bool {
    redirects.contains { rule in
      let counts = rule == "/" || rule.utf8.contains(UInt8(ascii: "?"))
      let end = counts ? target.endIndex : target.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
      return target[..<end].elementsEqual(rule.utf8)
    }
  }
}
