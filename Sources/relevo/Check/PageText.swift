/// What a check reads in HTML: no parser, as no more is wanted than what stands between two tags.
enum PageText {
  /// Texts that pages tell themselves by are no longer than this.
  private static let longest = 200

  /// A text that each of `pages` has and `other` has not: a title or a heading, else nil. It stands in the bytes as it is
  /// here.
  static func telling(_ pages: [String], from other: String) -> String? {
    guard let first = pages.first else { return nil }
    for (open, close) in [("<title", "</title>"), ("<h1", "</h1>"), ("<h2", "</h2>")] {
      guard let text = between(open, close, in: first), !text.contains("<") else { continue }
      if text.utf8.count > longest || text.contains(where: \.isNewline) { continue }
      // Not in UTF-8: what was replaced on the way here is not in the bytes.
      if text.isEmpty || text.unicodeScalars.contains("\u{FFFD}") { continue }
      if pages.allSatisfy({ $0.utf8.contains(text.utf8) }), !other.utf8.contains(text.utf8) { return text }
    }
    return nil
  }

  /// The element that the frameworks of single-page applications put their page into.
  static func isApplication(_ page: String) -> Bool {
    let marks = [
      "id=\"root\"", "id=\"app\"", "id=root", "id=app", "id=\"__next\"", "id=\"__nuxt\"", "<app-root",
      "id=\"svelte\"",
    ]
    return marks.contains { page.utf8.contains($0.utf8) }
  }

  /// What stands in the first element of a name, without the white space around it.
  private static func between(_ open: String, _ close: String, in page: String) -> String? {
    let small = page.lowercased()
    // The same length in UTF-8, or offsets would not fit: else nothing is found.
    guard small.utf8.count == page.utf8.count, let start = small.firstRange(of: open)?.upperBound,
      let tagEnd = small[start...].firstIndex(of: ">"),
      let end = small[tagEnd...].firstRange(of: close)?.lowerBound
    else { return nil }
    let from = small.utf8.distance(from: small.startIndex, to: small.utf8.index(after: tagEnd))
    let to = small.utf8.distance(from: small.startIndex, to: end)
    let text = String(decoding: Array(page.utf8)[from..<max(from, to)], as: UTF8.self)
    return String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }

  /// The values of `href` in a page, in order, without repetitions.
  static func links(in page: String) -> [String] {
    var found: [String] = []
    var rest = page[...]
    while let start = rest.firstRange(of: "href=")?.upperBound {
      rest = rest[start...]
      guard let quote = rest.first, quote == "\"" || quote == "'" else { continue }
      let value = rest.dropFirst().prefix { $0 != quote }
      if !found.contains(String(value)) { found.append(String(value)) }
      rest = rest[value.endIndex...]
    }
    return found
  }
}
