/// Turns the file of `--config` into the arguments it stands for, where neither the command line nor the environment has
/// such a flag.
struct ConfigurationArguments {
  /// What the file gives and nobody else.
  let supplied: [SuppliedFlag]
  private let path: String
  /// All values of the file as arguments, with their lines.
  private let values: [Value]
  /// Those that others win over.
  private let overridden: [Value]

  private typealias Value = (arguments: [String], line: Int)

  /// The parser of the command line takes seconds for more.
  private static let mostValues = 2000

  /// - Parameter given: the names of the flags that win over the file.
  /// - Throws: ``CommandFailure`` that names the file, the line and what is wrong with it.
  init(path: String, unless given: Set<String>) throws(CommandFailure) {
    self.path = path
    var (supplied, values, overridden): ([SuppliedFlag], [Value], [Value]) = ([], [], [])
    for entry in try ConfigurationFile(path: path).entries {
      let ofEntry = try entry.values.map { value throws(CommandFailure) in
        (arguments: try Self.arguments(entry.flag, value, path), line: value.line)
      }
      values += ofEntry
      if let excess = values.dropFirst(Self.mostValues).first {
        throw ConfigurationFile.failure(
          path, excess.line,
          "more than \(Self.mostValues) values: rules can have a file of their own, rules-file")
      }
      if given.contains(entry.flag.name) {
        overridden += ofEntry
        continue
      }
      supplied.append(
        SuppliedFlag(
          flag: entry.flag, arguments: ofEntry.flatMap(\.arguments), writtenName: entry.flag.name,
          place: "\(path):\(entry.line)"))
    }
    self.supplied = supplied
    self.values = values
    self.overridden = overridden
  }

  private static func arguments(
    _ flag: EnvironmentArguments.Flag, _ value: ConfigurationFile.Value, _ path: String
  ) throws(CommandFailure) -> [String] {
    switch (flag.values, value.text) {
    case (.one, _), (.several, _), (.words, _), (.lines, _): return ["--\(flag.name)=\(value.text)"]
    case (.on, "true"), (.onOrOff, "true"): return ["--\(flag.name)"]
    case (.on, "false"): return []
    case (.onOrOff, "false"): return ["--no-\(flag.name)"]
    case (.on, _), (.onOrOff, _):
      throw ConfigurationFile.failure(
        path, value.line, "the value '\(value.text)' is invalid for \(flag.name): write true or false")
    }
  }

  /// What a flag says of the first value of the file that it does not take, with the line; nil when each takes its own.
  func firstBadValue() -> CommandFailure? { firstBad(of: values) }

  /// The same of those that others win over: no mistake waits in the file until they are gone.
  func firstBadOverriddenValue() -> CommandFailure? { firstBad(of: overridden) }

  private func firstBad(of values: [Value]) -> CommandFailure? {
    guard !values.isEmpty, refusal(of: values[...]) != nil else { return nil }
    // Each flag looks at its value alone, so that the first bad one is found by halving.
    var suspects = values[...]
    while suspects.count > 1 {
      let first = suspects.prefix(suspects.count / 2)
      suspects = refusal(of: first) == nil ? suspects.dropFirst(first.count) : first
    }
    guard let value = suspects.first, let sentence = refusal(of: suspects) else { return nil }
    return ConfigurationFile.failure(path, value.line, Self.withoutHyphens(sentence))
  }

  private func refusal(of values: ArraySlice<Value>) -> String? {
    do {
      _ = try Relevo.parseAsRoot(["serve"] + values.flatMap(\.arguments))
      return nil
    } catch {
      return CommandFailure(Relevo.message(for: error), code: .configuration).description
    }
  }

  /// The parser's sentences name a flag as '--workers <count>'.
  private static func withoutHyphens(_ sentence: String) -> String {
    sentence.replacing(/'--([a-z0-9-]+) <[^>]*>'/) { "\($0.1)" }
  }
}
