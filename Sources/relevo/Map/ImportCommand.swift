import ArgumentParser
import Glibc
import MapFormats
import URLMap

/// `relevo map import`.
struct ImportCommand: MapSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract:
      "Makes the URLs of files known, so that their first visit already goes straight to the old site.",
    usage: "relevo map import FILE... --map-file FILE [flags]",
    discussion: """
      What is known already stays; a map file that is not there is made. The files
      are what they seem to be, unless --format says it; each may be packed with
      gzip, and - stands for standard input.

      FORMATS:
        haproxy     A map file: a URL, a blank, a value, which does not matter. So
                    a map file of Relevo's, too.
        list        A URL or a path on each line.
        sitemap     A sitemap, or an index; its sitemaps are looked for beside it.
        access-log  Combined or common format: what the old server answered with
                    200, 206 or 304 to GET and HEAD, with times and visits.

      Of absolute URLs, path and query count, and the host where the map's keys have
      one. A line that is no URL is told, with its number and the reason, and the
      rest is taken; with --strict the first one ends the import with exit code 65,
      and the map file stays as it was.

        zcat -f /var/log/nginx/access.log* | relevo map import - --map-file urls.map
        relevo map import sitemap.xml --host www.example.com --map-file urls.map
      """)

  static let flagsFromEnvironment: Set<String> = ["map-file", "ignore-query"]

  @Argument(help: ArgumentHelp("The files, or - for standard input.", valueName: "file"))
  var files: [String]

  @OptionGroup var file: MapFileFlags
  @OptionGroup var keys: KeyFlags

  @Option(
    help: .flag(
      "haproxy, list, sitemap or access-log.", value: "format", default: "what each file seems to be"))
  var format: ImportFormat?

  @Flag(help: "End at the first line that is no URL, and change nothing.")
  var strict = false

  @Option(
    help: ArgumentHelp(
      "Of absolute URLs take only those of this host; may be given several times. One alone is the host of paths too.",
      valueName: "host"))
  var host: [String] = []

  @OptionGroup var newMap: NewMapFlags

  @Option(
    help: .flag(
      "Read no further in a packed file that unpacks to more, 1m to 1024g.", value: "size",
      default: defaultMaxUnpacked),
    transform: SizeArgument.from(.mebibytes(1), to: .gibibytes(1024)))
  var maxUnpacked = defaultMaxUnpacked

  private static let defaultMaxUnpacked = SizeArgument.gibibytes(16)
  private static let shownProblems = 20

  func run() throws {
    let edit = try newMap.edit(file.path())
    let options = MapImport.Options(
      scheme: try keys.scheme(mapKey: edit.mapKey), hosts: host, format: format, isStrict: strict,
      maxUnpackedBytes: maxUnpacked.bytes, now: SystemClock.now)
    var problems: [ImportProblem] = []
    var meter = ProgressMeter("importing \(files.joined(separator: " "))", totalBytes: totalBytes)
    var reading = MapImport(into: edit.map, options) { problem in
      if problems.count < Self.shownProblems { problems.append(problem) }
    } onProgress: { doneBytes in
      meter.update(doneBytes: doneBytes)
    }
    defer { meter.finish() }
    do {
      for file in files { try reading.read(file) }
    } catch {
      meter.finish()
      throw CommandFailure(error)
    }
    let report = reading.report
    if report.added + report.known > 0 { try edit.save() }
    meter.finish()
    show(problems, of: report)
    var output = LineOutput()
    try output.append(Self.summary(of: report))
    try output.flush()
  }

  /// Of all files; nil when one of them has no length, as a pipe has none.
  private var totalBytes: Int? {
    var total = 0
    for file in files {
      var status = stat()
      guard file != "-", unsafe stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        return nil
      }
      total += Int(status.st_size)
    }
    return total
  }

  private func show(_ problems: [ImportProblem], of report: MapImport.Report) {
    for problem in problems {
      StandardStream.error.write(CommandFailure("not taken: \(problem)", code: .badData).line)
    }
    let rest = report.refused - problems.count
    if rest > 0 { StandardStream.error.write("relevo: not taken: \(Figures.count(rest)) more\n") }
  }

  /// One line: what became of everything.
  static func summary(of report: MapImport.Report) -> String {
    var parts = ["added \(Figures.count(report.added, "URL"))"]
    if report.known > 0 { parts.append("\(Figures.count(report.known)) known already") }
    if report.refused > 0 { parts.append("\(Figures.count(report.refused)) not taken") }
    if report.otherHosts > 0 { parts.append("\(Figures.count(report.otherHosts)) of other hosts") }
    if report.noPages > 0 { parts.append("\(Figures.count(report.noPages, "log line")) without a page") }
    return parts.joined(separator: "; ") + "\n"
  }
}

extension ImportFormat: ExpressibleByArgument {}

extension CommandFailure {
  /// Why an import changed nothing.
  fileprivate init(_ error: ImportError) {
    switch error {
    case .refused(let problem):
      self.init("not taken: \(problem); with --strict nothing was changed", code: .badData)
    case .system(_, _, ENOENT): self.init("cannot import: \(error)", code: .noInput)
    case .system: self.init("cannot import: \(error)", code: .inputOutput)
    case .outOfMemory: self.init("cannot import: \(error)", code: .unavailable)
    }
  }
}
