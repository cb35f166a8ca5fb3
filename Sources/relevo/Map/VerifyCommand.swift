import ArgumentParser

/// `relevo map verify`.
struct VerifyCommand: MapSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks the map file, the one before it and the journal, wholly.",
    usage: "relevo map verify --map-file FILE",
    discussion: """
      Every line is read: checksums, counts, URLs that stand twice, and whether the
      journal continues the file. It changes nothing, and tells what a start of
      Relevo would do. The exit code is 0 if all that is there is good, and 65 if
      something is broken, though a start may still get on without it.
      """)

  @OptionGroup var file: MapFileFlags

  func run() throws {
    let path = try file.path()
    var verdict = FilesVerdict(
      path: path, current: FileCheck(of: .current, path: path), previous: FileCheck(of: .previous, path: path)
    )
    // Before the first snapshot there is a journal alone, or nothing at all.
    if verdict.hasNoSnapshot { verdict.current = FileCheck(.good(try StoredMap(path: path).report)) }
    var output = LineOutput()
    for line in verdict.lines { try output.append(line + "\n") }
    try output.flush()
    if !verdict.isGood { throw ExitCode(ExitStatus.badData.rawValue) }
  }
}
