import ArgumentParser
import URLMap

/// The file that all subcommands of `relevo map` are about.
struct MapFileFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp("The file that serve keeps with the same flag.", valueName: "path"),
    transform: PathArgument.init(parsing:))
  var mapFile: PathArgument?

  /// - Throws: ``CommandFailure`` when none is given.
  func path() throws(CommandFailure) -> String {
    guard let mapFile else {
      throw CommandFailure(
        "name the map's file: --map-file FILE, or RELEVO_MAP_FILE in the environment", code: .usage)
    }
    return mapFile.description
  }

  /// What the file holds, loaded; the file itself stays as it is.
  func load() throws(CommandFailure) -> StoredMap {
    try StoredMap(path: path())
  }
}
