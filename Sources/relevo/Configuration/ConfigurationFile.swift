import Yams

/// The file of `--config`: flags of `relevo serve` under their own names.
///
/// ```yaml
/// new:
///   - http://10.0.0.11,weight=2
///   - http://10.0.0.12
/// old: http://10.0.0.2
/// via: false
/// ```
struct ConfigurationFile {
  /// A value and the line that it stands on, counted from 1.
  typealias Value = (text: String, line: Int)

  /// A flag with all that the file gives it.
  struct Entry {
    let flag: EnvironmentArguments.Flag
    let line: Int
    let values: [Value]
  }

  let path: String
  let entries: [Entry]

  /// - Throws: ``CommandFailure`` with `FILE:LINE` where it has a line. What the flags say of their values comes later.
  init(path: String) throws(CommandFailure) {
    self.path = path
    entries = try Self.entries(of: try Self.nodes(path), path)
  }

  /// A failure that names the line.
  static func failure(_ path: String, _ line: Int, _ sentence: String) -> CommandFailure {
    CommandFailure("\(path):\(line): \(sentence)", code: .configuration)
  }

  // MARK: YAML

  private static func nodes(_ path: String) throws(CommandFailure) -> Node.Mapping {
    let bytes = try SmallFile.contents(of: path, flag: "--config")
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let line = 1 + bytes.prefix(TextEncoding.validPrefix(of: bytes)).count { $0 == UInt8(ascii: "\n") }
      throw failure(path, line, "this is no UTF-8: save the file in that encoding")
    }
    if let anchor = YAMLAnchors.first(in: text) {
      throw failure(
        path, anchor.line,
        "'\(anchor.word)' begins an anchor, and there are none here: write the value out; for & in a text write \"\\x26\" in double quotes"
      )
    }
    let root: Node?
    do {
      root = try Parser(yaml: text, encoding: .utf8).singleRoot()
    } catch {
      throw failure(error, path)
    }
    switch root {
    case .mapping(let mapping): return mapping
    case nil:
      throw failure(path, 1, "the file is empty: write flags and values, as in new: http://10.0.0.2:8080")
    case .some(let other):
      throw failure(
        path, other.mark?.line ?? 1, "write flags and values, as in new: http://10.0.0.2:8080")
    }
  }

  private static func failure(_ error: any Error, _ path: String) -> CommandFailure {
    switch error as? YamlError {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let told = context.map { "\($0.text): \(problem)" } ?? problem
      let remedy =
        problem.contains("block sequence entries")
        ? "write '-' in quotes" : "a value with signs of YAML's own needs quotes"
      // What is never closed is missed far behind the place where it was opened.
      let isOpen = context.map { $0.text.contains("flow") || $0.text.contains("quoted") } ?? false
      let line = isOpen ? context?.mark.line ?? mark.line : mark.line
      return failure(path, line, "this is no YAML (\(told.trimmed)): \(remedy)")
    case .reader(let problem, let offset, _, let yaml):
      let line = 1 + yaml.prefix(offset ?? 0).count { $0.isNewline }
      return failure(path, line, "this is no YAML (\(problem)): take the character out")
    case .duplicatedKeysInMapping(let keys, let context):
      return failure(
        path, context.mark.line,
        "\(keys.first ?? "a flag") is given twice: give it once, several values as a list")
    default: return CommandFailure("\(path): this is no YAML: \(error)", code: .configuration)
    }
  }

  // MARK: Entries

  private static func entries(
    of mapping: Node.Mapping, _ path: String
  ) throws(CommandFailure) -> [Entry] {
    var entries: [Entry] = []
    for (key, node) in mapping {
      let line = key.mark?.line ?? 1
      guard case .scalar(let name) = key else {
        throw failure(path, line, "the name of a flag is one word, as in new: http://10.0.0.2:8080")
      }
      do throws(BadValue) {
        let flag = try flag(named: name.string)
        entries.append(Entry(flag: flag, line: line, values: try values(of: flag, node, line: line)))
      } catch {
        throw failure(path, error.line ?? line, error.sentence)
      }
    }
    return entries
  }

  /// What is wrong with an entry, and where, when that is not at its name.
  private struct BadValue: Error {
    let sentence: String
    var line: Int?

    init(_ sentence: String, line: Int? = nil) {
      self.sentence = sentence
      self.line = line
    }
  }

  private static func flag(named name: String) throws(BadValue) -> EnvironmentArguments.Flag {
    let flags = EnvironmentArguments.flags.filter { $0.name != ConfigurationFlags.configName }
    if let flag = flags.first(where: { $0.name == name }) { return flag }
    if name == ConfigurationFlags.configName {
      throw BadValue("config is for the command line: a file names no other")
    }
    if name.hasPrefix("no-"), let positive = flags.first(where: { $0.name == name.dropFirst(3) }) {
      throw BadValue("there is no flag '\(name)' in a file: write \(positive.name): false")
    }
    let bare = String(name.drop { $0 == "-" })
    guard let nearest = EditDistance.nearest(to: bare, among: flags.map(\.name)) else {
      throw BadValue("there is no flag '\(name)': relevo serve --help lists them")
    }
    throw BadValue("there is no flag '\(name)': did you mean \(nearest)?")
  }

  private static func values(
    of flag: EnvironmentArguments.Flag, _ node: Node, line: Int
  ) throws(BadValue) -> [Value] {
    switch (node, flag.values) {
    case (.scalar, _): return [try value(of: flag, node, line: line)]
    case (.sequence(let items), .several), (.sequence(let items), .words), (.sequence(let items), .lines):
      if items.isEmpty { throw BadValue("\(flag.name) has no value: give it one, or leave it out") }
      return try items.map { item throws(BadValue) in try value(of: flag, item, line: line) }
    case (.sequence, .one), (.sequence, .on), (.sequence, .onOrOff):
      throw BadValue("\(flag.name) takes one value and no list")
    case (.mapping, _), (.alias, _):
      throw BadValue("\(flag.name) takes \(flag.form), and nothing with names of its own")
    }
  }

  private static func value(
    of flag: EnvironmentArguments.Flag, _ node: Node, line: Int
  ) throws(BadValue) -> Value {
    let line = node.mark?.line ?? line
    guard case .scalar(let scalar) = node else {
      throw BadValue("\(flag.name) takes \(flag.form), and no list in a list", line: line)
    }
    if scalar.style == .plain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) {
      throw BadValue("\(flag.name) has no value: give it one, or leave it out", line: line)
    }
    if scalar.string.unicodeScalars.contains("\0") {
      throw BadValue("\(flag.name) has a character 0 in its value: take it out", line: line)
    }
    return (scalar.string, line)
  }
}

extension EnvironmentArguments.Flag {
  /// What a file may give it.
  fileprivate var form: String {
    switch values {
    case .one: "one value"
    case .several, .words, .lines: "a value or a list of values"
    case .on, .onOrOff: "true or false"
    }
  }
}

extension String {
  /// libyaml's sentences begin and end with blanks at times.
  fileprivate var trimmed: Substring {
    let end = self.drop { $0 == " " }
    return end.lastIndex { $0 != " " }.map { end[...$0] } ?? ""
  }
}
