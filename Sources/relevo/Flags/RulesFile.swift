import URLMap

/// One value of `--always-old` or `--always-new`.
struct PrefixArgument: Sendable, CustomStringConvertible {
  let description: String

  init(parsing text: String, of site: PathRule.Site) throws(BadValue) {
    description = text
    do {
      _ = try PathRule(text, site, source: "")
    } catch {
      throw BadValue(error.description)
    }
  }
}

/// The file of `--rules-file`:
///
/// ```
/// # Paths that both sites have
/// always-old /css/
/// always-new /wp-admin/
/// ```
struct RulesFile {
  let rules: [PathRule]

  /// - Throws: ``CommandFailure`` that names the file, the line and what is wrong with it.
  init(path: String) throws(CommandFailure) {
    var rules: [PathRule] = []
    let lines = try SmallFile.contents(of: path, flag: "--rules-file").split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let source = "\(path):\(index + 1)"
      do throws(BadPrefix) {
        if let rule = try Self.rule(line, source) { rules.append(rule) }
      } catch {
        throw CommandFailure("\(source): \(error)", code: .configuration)
      }
    }
    self.rules = rules
  }

  /// Nil for an empty line and a comment.
  private static func rule(_ line: ArraySlice<UInt8>, _ source: String) throws(BadPrefix) -> PathRule? {
    let blanks = Array(" \t\r".utf8)
    let words = line.split(whereSeparator: blanks.contains).map { String(decoding: $0, as: UTF8.self) }
    guard let first = words.first, !first.hasPrefix("#") else { return nil }
    let site: PathRule.Site
    switch first {
    case "always-old": site = .alwaysOld
    case "always-new": site = .alwaysNew
    default:
      throw BadPrefix(
        "'\(first)' is no rule: write always-old or always-new, then how paths begin, as in /css/")
    }
    guard words.count > 1, words.count == 2 || words[2].hasPrefix("#") else {
      throw BadPrefix("after \(first) comes how paths begin, one word: write a blank in it as %20")
    }
    return try PathRule(words[1], site, source: source)
  }
}
