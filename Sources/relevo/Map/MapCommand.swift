import ArgumentParser

/// `relevo map`: what Relevo has learned, in the operator's hands.
struct MapCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "map",
    abstract: "Reads and changes the URLs of the old site that a map file keeps.",
    usage: "relevo map SUBCOMMAND --map-file FILE [flags]",
    discussion: """
      Every subcommand works on the file that serve keeps with --map-file, and takes
      it from RELEVO_MAP_FILE too. Reading is always possible, beside a running
      Relevo as well. Changing needs the file for itself: while a running Relevo
      holds it, the change is refused with exit code 75; its admin plane makes it.

      On a terminal, long work shows how far it is; in a pipe it is silent.

      EXIT CODES:
        0   Done. For lookup: the URL is known.
        1   For lookup: the URL is not known.
        64  A flag or an argument is wrong.
        65  The map file is broken, or a strict import met a line that is no URL.
        66  There is no map file, or no file to import.
        74  Reading or writing failed.
        75  Another process holds the map file: try again when it has stopped.
        78  For lookup: the rules of serve contradict each other, or their file is
            wrong.
      """,
    subcommands: [
      ListCommand.self, LookupCommand.self, StatsCommand.self, ReportCommand.self, AddCommand.self,
      RemoveCommand.self, VerifyCommand.self, ImportCommand.self, ExportCommand.self,
    ])

  /// The subcommand with this name.
  static func subcommand(named name: String) -> (any MapSubcommand.Type)? {
    configuration.subcommands.lazy.compactMap { $0 as? any MapSubcommand.Type }
      .first { $0.configuration.commandName == name }
  }
}

/// A subcommand of `relevo map`.
protocol MapSubcommand: ParsableCommand {
  /// The flags that it takes from the environment, without their hyphens. Default: `map-file`.
  static var flagsFromEnvironment: Set<String> { get }
}

extension MapSubcommand {
  static var flagsFromEnvironment: Set<String> { ["map-file"] }
}
