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

extension KeyScheme {
  /// The key of a request for `url`.
  func key(of url: RequestedURL) throws(BadValue) -> [UInt8] {
    if parts.haveHost, url.host.isEmpty {
      throw BadValue(
        "the keys of this map have a host: write the URL with it, as in https://www.example.com/a.html")
    }
    guard let key = key(of: url.target, host: url.host) else { throw BadValue("no request has this URL") }
    let longest = URLMap.Configuration().maxKeyBytes
    guard key.count <= longest else { throw BadValue("a URL in the map has at most \(longest) bytes") }
    return key
  }

  /// The key of a URL as an operator wrote it.
  func key(parsing text: String) throws(BadValue) -> [UInt8] {
    try key(of: RequestedURL(parsing: text))
  }
}
