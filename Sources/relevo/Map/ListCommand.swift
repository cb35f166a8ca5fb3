import ArgumentParser
import MapQueries
import URLMap

/// `relevo map list`.
struct ListCommand: MapSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists the known URLs with their visits and times.",
    usage: "relevo map list --map-file FILE [flags]",
    discussion: """
      On a terminal the columns have a heading and are aligned. In a pipe or a file
      they are separated by one tab, without a heading:

        visits  last visit  learned  URL

      Times are UTC, as in 2026-11-23T23:25:54Z. A URL that nobody has visited since
      it was learned has - for its last visit. No URL holds a blank or a tab.

        relevo map list --map-file urls.map --sort hits --limit 20
        relevo map list --map-file urls.map --prefix /docs/ | cut -f 4
      """)

  @OptionGroup var file: MapFileFlags

  @Option(help: ArgumentHelp("Only URLs that begin with this, as in /docs/.", valueName: "prefix"))
  var prefix: String = ""

  @Option(
    help: ArgumentHelp(
      "By URL, by visits (most first) or by last visit (latest first).", valueName: "order"))
  var sort: ListOrder = .url

  @Option(
    help: .flag("At most so many URLs, from 1 on.", value: "count", default: "all"),
    transform: CountArgument.within(1...Int.max))
  var limit: Int?

  func run() throws {
    let stored = try file.load()
    let table = EntryTable(style: StandardStream.output.isTerminal ? .aligned : .tabbed)
    var output = LineOutput()
    try output.append(table.heading)
    try sort.forEach(in: stored.map, withPrefix: Array(prefix.utf8), atMost: limit ?? .max) { key, entry in
      table.append(key, entry, to: &output.bytes)
      try output.flushIfFull()
    }
    try output.flush()
  }
}

/// The order of a list.
enum ListOrder: String, CaseIterable, ExpressibleByArgument {
  case url, hits, last

  /// Calls `body` with the first `limit` entries in this order. Equal ones come in the order of their URLs.
  ///
  /// Takes memory for ``Ranking/portion`` entries at most. By URL, nothing is sorted; else one walk through the map
  /// for each portion.
  func forEach(
    in map: URLMap, withPrefix prefix: [UInt8], atMost limit: Int,
    _ body: (_ key: RawSpan, _ entry: MapEntry) throws -> Void
  ) throws {
    switch self {
    case .url:
      // The walk has no other way to end early.
      struct LimitReached: Error {}
      var rest = limit
      do {
        try map.forEachEntry(withPrefix: prefix) { key, entry in
          try body(key, entry)
          rest -= 1
          if rest == 0 { throw LimitReached() }
        }
      } catch is LimitReached {}
    case .hits:
      try Ranking(map: map, prefix: prefix) { $0.hits }.forEach(atMost: limit, body)
    case .last:
      try Ranking(map: map, prefix: prefix) { $0.hits == 0 ? 0 : $0.lastUsedAt }.forEach(atMost: limit, body)
    }
  }
}
