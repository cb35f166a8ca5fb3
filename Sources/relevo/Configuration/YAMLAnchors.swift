/// Finds the anchors of YAML (`&name`), which a flat list of flags has no use for.
///
/// A few lines of anchors and aliases stand for values without end, and the parser compares the keys that are made of
/// them: so they are refused before it sees them. None is overlooked; a text that holds what looks like one is refused too.
enum YAMLAnchors {
  /// An anchor stands at the start of a value or behind its tag: at the start of a line, or behind one of these.
  private static let before: Set<Character> = ["-", ":", "?", "[", "{", ","]

  static func first(in text: String) -> (word: String, line: Int)? {
    var lineNumber = 0
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      lineNumber += 1
      var rest = line
      while let place = rest.firstIndex(of: "&") {
        if isAtStart(line[..<place]) {
          return (String(line[place...].prefix { !$0.isWhitespace && !"]},".contains($0) }), lineNumber)
        }
        rest = rest[rest.index(after: place)...]
      }
    }
    return nil
  }

  private static func isAtStart(_ before: Substring) -> Bool {
    guard let last = before.lastIndex(where: { !$0.isWhitespace }) else { return true }
    if Self.before.contains(before[last]) { return true }
    let word = before[...last].split(whereSeparator: \.isWhitespace).last ?? ""
    return word.contains("!")
  }
}
