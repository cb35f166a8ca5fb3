import ArgumentParser
import URLMap

/// What serve is told of paths, so that nothing has to be learned about them.
struct RuleFlags: ParsableArguments {
  @OptionGroup var paths: PathRuleFlags

  @Flag(
    help:
      "Ask the old server first for an image, style, script or font whose Referer is a page of the old site, and add Vary: Referer to answers for such files. (default: off)"
  )
  var oldAssetsByReferer = false
}

/// The rules that a path alone decides, for serve and for those who foretell what it does.
struct PathRuleFlags: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: .flag(
      "Ask the old server first for paths that begin so, as in /css/, or have a query that begins so, as in /?p=, and learn nothing; may be given several times. What it does not have the new site is asked for.",
      value: "prefix", default: "none"),
    transform: { try PrefixArgument(parsing: $0, of: .alwaysOld) })
  var alwaysOld: [PrefixArgument] = []

  @Option(
    parsing: .upToNextOption,
    help: .flag(
      "Never ask the old server for paths that begin so, as in /wp-admin/, however they are written: letter case, percent-encoding, //, .. and ; do not matter.",
      value: "prefix", default: "none"),
    transform: { try PrefixArgument(parsing: $0, of: .alwaysNew) })
  var alwaysNew: [PrefixArgument] = []

  @Option(
    help: .flag(
      "Read such rules from this file too, one a line: always-old /css/ or always-new /wp-admin/; the longest prefix holds.",
      value: "path", default: "none"),
    transform: PathArgument.init(parsing:))
  var rulesFile: PathArgument?

  /// The names of these flags, without their hyphens.
  static let names: Set<String> = ["always-old", "always-new", "rules-file"]

  /// All rules of flags and file.
  ///
  /// - Throws: ``CommandFailure`` when the file has a wrong line, or rules contradict each other.
  func rules() throws(CommandFailure) -> PathRules {
    var all: [PathRule] = []
    do throws(BadPrefix) {
      for argument in alwaysOld {
        all.append(try PathRule(argument.description, .alwaysOld, source: "--always-old"))
      }
      for argument in alwaysNew {
        all.append(try PathRule(argument.description, .alwaysNew, source: "--always-new"))
      }
    } catch {
      throw CommandFailure("\(error)", code: .usage)
    }
    if let rulesFile { all += try RulesFile(path: rulesFile.description).rules }
    do {
      return try PathRules(all)
    } catch {
      throw CommandFailure("\(error)", code: .configuration)
    }
  }
}
