import ArgumentParser
import URLMap

/// `relevo map stats`.
struct StatsCommand: MapSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Tells how many URLs are known and visited, and in which directories.",
    usage: "relevo map stats --map-file FILE [flags]",
    discussion: """
      Visits are those that the map answered; the one that taught Relevo the URL is
      none. The tree shows the largest directories, by their URLs; what is small is
      folded into one line and still counted. A bar is the share of the whole.
      """)

  @OptionGroup var file: MapFileFlags

  @Option(
    help: .flag(
      "Show directories so many levels deep, from 0 to \(DirectoryTreeBuilder.depthLimit).", value: "levels",
      default: Self.defaultDepth),
    transform: CountArgument.within(0...DirectoryTreeBuilder.depthLimit))
  var depth = Self.defaultDepth

  private static let defaultDepth = 3
  /// A tree that is longer is no picture any more.
  private static let mostDirectories = 40

  func run() throws {
    let stored = try file.load()
    let now = SystemClock.now
    var summary = MapSummary(of: stored.map, at: now, directoriesBy: .urls, listed: 0)
    summary.root.cut(toDepth: depth)
    summary.root.fold(to: Self.mostDirectories, by: .urls)
    var output = LineOutput()
    let page = StatsPage(
      summary: summary, files: stored.files, memoryBytes: stored.map.statistics.arenaBytesInUse,
      columns: Terminal.columns,
      glyphs: Terminal.takesUnicode(ProcessEnvironment.variables) ? .unicode : .ascii)
    for line in page.lines { try output.append(line + "\n") }
    try output.flush()
  }
}
