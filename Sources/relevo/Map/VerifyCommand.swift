import ArgumentParser
import URLMap

/// `relevo map verify`.
struct VerifyCommand: MapSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks the map file, the one before it and the journal, wholly.",
    usage: "relevo map verify --map-file FILE",
    discussion: """
      Every line is read: checksums, counts, URLs that stand twice, and whether the
      journal continues the file. It changes nothing, and tells what a start of
      Relevo would do, with the --ignore-query of serve: URLs that were told apart by
      a parameter which is ignored by now become one. The exit code is 0 if all that
      is there is good, and 65 if something is broken, though a start may still get
      on without it.
      """)

  static let flagsFromEnvironment: Set<String> = ["map-file", "ignore-query"]

  @OptionGroup var file: MapFileFlags
  @OptionGroup var keys: KeyFlags

  func run() throws {
    let path = try file.path()
    let ignored = try IgnoreQueryArgument.ignoredQuery(keys.ignoreQuery)
    var verdict = FilesVerdict(
      path: path, current: FileCheck(of: .current, path: path, ignoring: ignored),
      previous: FileCheck(of: .previous, path: path, ignoring: ignored))
    // Before the first snapshot there is a journal alone, or nothing at all.
    if verdict.hasNoSnapshot {
      verdict.current = FileCheck(ofJournalAlone: try StoredMap(path: path), ignoring: ignored)
    }
    var output = LineOutput()
    for line in verdict.lines { try output.append(line + "\n") }
    try output.flush()
    if !verdict.isGood { throw ExitCode(ExitStatus.badData.rawValue) }
  }
}
