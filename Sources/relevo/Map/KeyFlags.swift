import ArgumentParser
import URLMap

/// How a URL becomes a key, for the subcommands that take URLs. Which parts of it count is said by the map file itself.
struct KeyFlags: ParsableArguments {
  @Option(
    help: .flag(
      "Leave these query parameters out of the key, as serve does with the same flag; may be given several times.",
      value: "names", default: "as serve's"),
    transform: IgnoreQueryArgument.init(parsing:))
  var ignoreQuery: [IgnoreQueryArgument] = []

  /// The scheme of a map whose file says `mapKey`.
  func scheme(mapKey: String) throws(CommandFailure) -> KeyScheme {
    guard let parts = KeyScheme.Parts(rawValue: mapKey) else {
      throw CommandFailure(
        "the map file was made with --map-key \(mapKey), which this version does not know", code: .badData)
    }
    return KeyScheme(parts, ignoring: try IgnoreQueryArgument.ignoredQuery(ignoreQuery))
  }
}
