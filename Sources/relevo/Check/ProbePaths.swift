/// What the servers are asked for. The random names are new for each run, so that no cache knows them.
struct ProbePaths: Sendable {
  /// Paths that no site has: a page and a folder.
  let missing: [String]
  /// The home page with a query that names no page.
  let query: String

  init() {
    let token = String(UInt64.random(in: 1 << 47..<1 << 48), radix: 16)
    missing = ["/relevo-check-\(token).html", "/relevo-check-\(token)/\(token)/"]
    query = "/?p=\(UInt32.random(in: 100_000_000...999_999_999))"
  }

  /// Where sites set cookies, beside their home page.
  static let login = ["/wp-login.php", "/login"]

  /// Letters that are cut off a name, and that a name must have at least left.
  private static let cut = 3
  private static let left = 4

  /// A link of a home page with the end of its last name cut off, as a visitor may misspell it; nil without a link that
  /// is long enough.
  static func misspelt(_ home: Reply, of server: CheckedServer) -> (path: String, whole: String)? {
    let paths = PageText.links(in: home.text).compactMap { ownPath($0, of: server) }
    for path in paths where !path.contains("?") {
      let folder = path.hasSuffix("/")
      let whole = path.dropSuffix("/")
      guard let name = whole.split(separator: "/").last, !name.contains("."), !name.contains("%"),
        name.count >= cut + left
      else { continue }
      let shorter = whole.dropLast(cut) + (folder ? "/" : "")
      if !paths.contains(String(shorter)) { return (String(shorter), path) }
    }
    return nil
  }

  private static func ownPath(_ link: String, of server: CheckedServer) -> String? {
    guard link.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    let redirection = Redirection(link, from: "/")
    if let authority = redirection.authority {
      return server.isNamed(authority) ? redirection.target : nil
    }
    return redirection.scheme == nil ? redirection.target : nil
  }
}
