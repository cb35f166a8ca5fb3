import ArgumentParser
import URLMap

/// `relevo map report`.
struct ReportCommand: MapSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Writes a page for the people who plan the migration.",
    usage: "relevo map report --html FILE --map-file FILE",
    discussion: """
      The page shows what is still visited on the old site: the most visited URLs,
      how many of them make up most of the visits, the directories, the last visits,
      what nobody has come back to, and what has moved already. It is one file that
      loads nothing and runs nothing: it can be sent by mail, printed, or put on a
      server. Its size does not grow with the map.
      """)

  @OptionGroup var file: MapFileFlags

  @Option(
    help: ArgumentHelp(
      "Write the page to this file; - is standard output. An earlier one is replaced.", valueName: "path|-"),
    transform: PathArgument.init(parsing:))
  var html: PathArgument

  func run() throws {
    let stored = try file.load()
    var summary = MapSummary(
      of: stored.map, at: SystemClock.now, directoriesBy: .visits, listed: ReportPage.listed)
    summary.root.fold(to: ReportPage.directories, by: .visits)
    let page = ReportPage(
      summary: summary, moved: try moved(stored, at: summary.now), path: stored.path,
      writtenAt: stored.files.map(\.modifiedAt).max())
    var output: LineOutput
    if html.description == "-" {
      output = LineOutput()
    } else {
      output = try LineOutput(replacing: html.description)
    }
    try output.append(page.html)
    try output.flush()
  }

  private func moved(_ stored: StoredMap, at now: UInt32) throws(CommandFailure) -> MovedSummary {
    let moved = StoredMap.emptyMap(mapKey: stored.mapKey)
    do {
      try MigrationFile(mapPath: stored.path).read(into: moved)
    } catch {
      throw CommandFailure(error, path: stored.path)
    }
    return MovedSummary(of: moved, known: stored.map, at: now, listed: ReportPage.listed)
  }
}
