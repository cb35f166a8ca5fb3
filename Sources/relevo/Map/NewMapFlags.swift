import ArgumentParser
import URLMap

/// What a map file is like that is not there yet, for the subcommands that make one.
struct NewMapFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What the keys of a map file consist of that is not there yet: as the same flag of serve.",
      valueName: "parts"))
  var mapKey: KeyScheme.Parts?

  /// The file in this process's hands, made if it is not there.
  ///
  /// - Throws: ``CommandFailure`` also when the flag says something else than the file.
  func edit(_ path: String) throws(CommandFailure) -> MapEdit {
    let edit = try MapEdit(path: path, newMapKey: (mapKey ?? Defaults.mapKey).rawValue)
    if let mapKey, mapKey.rawValue != edit.mapKey {
      throw CommandFailure(
        "--map-key is \(mapKey.rawValue), but the keys of the file are made with \(edit.mapKey): leave the flag out",
        code: .usage)
    }
    return edit
  }
}
