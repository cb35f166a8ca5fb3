import ArgumentParser
import MapQueries
import URLMap

/// `relevo map add`.
struct AddCommand: MapSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Makes URLs known, so that the first visit already goes straight to the old site.",
    usage: "relevo map add URL... --map-file FILE [flags]",
    discussion: """
      - stands for standard input with one URL a line; empty lines and lines that
      begin with # are skipped. All are added, or with an error none. What is known
      already counts as learned now. A file that is not there is made. relevo map
      import reads other formats.

        relevo map add /a.html '/b.php?id=7' --map-file urls.map
        grep ^/docs/ urls.txt | relevo map add - --map-file urls.map
      """)

  static let flagsFromEnvironment: Set<String> = ["map-file", "ignore-query"]

  @Argument(help: ArgumentHelp("Paths with their queries, absolute URLs, or -.", valueName: "url"))
  var urls: [String]

  @OptionGroup var file: MapFileFlags
  @OptionGroup var keys: KeyFlags
  @OptionGroup var newMap: NewMapFlags

  func run() throws {
    let edit = try newMap.edit(file.path())
    let scheme = try keys.scheme(mapKey: edit.mapKey)
    let now = SystemClock.now
    let before = edit.map.statistics
    try URLInput(urls).forEach { text throws(BadURL) in
      try scheme.key(parsing: text)
    } use: { key in
      try edit.learn(key, at: now)
    }
    edit.map.waitUntilApplied()
    let after = edit.map.statistics
    let (added, renewed) = (Int(after.learned - before.learned), Int(after.renewed - before.renewed))
    if added + renewed > 0 { try edit.save() }
    var output = LineOutput()
    let known = renewed > 0 ? "; \(Figures.count(renewed)) known already" : ""
    try output.append("added \(Figures.count(added, "URL"))\(known)\n")
    try output.flush()
  }
}
