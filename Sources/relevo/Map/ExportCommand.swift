import ArgumentParser
import Glibc
import MapFormats
import URLMap

/// `relevo map export`.
struct ExportCommand: MapSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes the URLs as another server's map, as redirects, as a table or as a sitemap.",
    usage: "relevo map export --format FORMAT --map-file FILE [flags]",
    discussion: """
      The end of a migration: what still lives on the old site, in the words of the
      server that goes on. Each file begins with a comment that shows the directives
      to use it with, made for this file and its keys.

      FORMATS:
        haproxy          A map for map_str: routes, or redirects with --to.
        apache-txt       A RewriteMap text file: routes, or redirects with --to.
        apache-dbm       The same for httxt2dbm, which makes a database of it. For
                         more than some hundred URLs.
        nginx-map        The body of a map that names the upstream: routes.
        nginx-redirects  The body of a map that names where to; needs --to.
        csv, json        url, learned, last_used, visits, and target with --to.
        sitemap          Needs --to, or keys with a host. More than 50,000 URLs need
                         --output FOLDER/, and become several with an index.

      What a server could not find is left out and counted: Apache reads lines of
      1024 bytes, nginx words of 4096.

        relevo map export --map-file urls.map --format nginx-redirects \\
          --to https://old.example.com --output /etc/nginx/relevo.redirects
        relevo map export --map-file urls.map --format csv --min-hits 10 > top.csv
      """)

  @OptionGroup var file: MapFileFlags

  @Option(help: ArgumentHelp("One of those above.", valueName: "format"))
  var format: ExportFormat

  @Option(
    help: .flag(
      "Write this file, which appears when it is whole, or for a sitemap into this folder, which exists.",
      value: "path", default: "standard output"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "The site that has the pages under the same path and query, as in https://old.example.com.",
      valueName: "url"))
  var to: String?

  @Option(
    help: .flag(
      "With --to: the redirect's status, 301, 302, 303, 307 or 308.", value: "status", default: 301),
    transform: RedirectStatusArgument.init(parsing:))
  var status: RedirectStatusArgument?

  @Option(
    help: .flag("Only URLs with so many visits or more.", value: "count", default: 0),
    transform: CountArgument.within(0...Int(UInt32.max)))
  var minHits = 0

  @Option(help: ArgumentHelp("Only URLs that begin with this, as in /docs/.", valueName: "prefix"))
  var prefix: String = ""

  func run() throws {
    let destination = try destination()
    let redirect = try redirect()
    let stored = try file.load()
    let options = ExportOptions(
      parts: try stored.parts(), redirect: redirect, minHits: UInt32(clamping: minHits),
      prefix: Array(prefix.utf8), file: absolutePath(destination))
    if let problem = format.problem(with: options) { throw CommandFailure(problem, code: .usage) }
    var export = MapExport(format, options)
    var meter = ProgressMeter("exporting \(stored.path)", totalBytes: nil)
    defer { meter.finish() }
    let report: ExportReport
    do {
      report = try export.write(stored.map, to: ExportOutput(destination)) { meter.update(doneBytes: $0) }
    } catch {
      switch error {
      case .system, .refused: throw CommandFailure(error.description, code: .inputOutput)
      case .needsFolder, .needsBase: throw CommandFailure(error.description, code: .usage)
      }
    }
    meter.finish()
    if report.leftOut > 0 {
      StandardStream.error.write(
        "relevo: \(report.leftOut) of \(report.written + report.leftOut + report.covered) URLs are too long for "
          + "\(format.rawValue) and were left out\n")
    }
  }

  private func redirect() throws(CommandFailure) -> Redirect? {
    guard let to else {
      if status != nil { throw CommandFailure("--status is a redirect's: it needs --to", code: .usage) }
      return nil
    }
    do {
      return try Redirect(to: to, status: status?.status ?? .movedPermanently)
    } catch {
      throw CommandFailure("--to \(to): \(error.reason)", code: .usage)
    }
  }

  private func destination() throws(CommandFailure) -> ExportOutput.Destination {
    guard let output else { return .standardOutput }
    if output.isEmpty { throw CommandFailure("--output: name a file or a folder", code: .usage) }
    guard output.hasSuffix("/") || Self.isFolder(output) else { return .file(output) }
    guard format == .sitemap else {
      throw CommandFailure("--output \(output) is a folder: \(format.rawValue) is one file", code: .usage)
    }
    return .folder(output)
  }

  private static func isFolder(_ path: String) -> Bool {
    // O_DIRECTORY asks what the path is; nothing is read.
    let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor >= 0 { close(descriptor) }
    return descriptor >= 0
  }

  /// As the server that reads it will be told.
  private func absolutePath(_ destination: ExportOutput.Destination) -> String? {
    guard case .file(let path) = destination else { return nil }
    if path.hasPrefix("/") { return path }
    guard let folder = unsafe getcwd(nil, 0) else { return nil }
    defer { unsafe free(folder) }
    return "\(unsafe String(cString: folder))/\(path)"
  }
}

extension ExportFormat: ExpressibleByArgument {}

/// `--status` of an export.
struct RedirectStatusArgument: Sendable {
  let status: Redirect.Status

  init(parsing text: String) throws(BadValue) {
    guard let number = Int(text), let status = Redirect.Status(rawValue: number) else {
      throw BadValue("write 301, 302, 303, 307 or 308")
    }
    self.status = status
  }
}

extension StoredMap {
  /// What the keys consist of.
  func parts() throws(CommandFailure) -> KeyScheme.Parts {
    guard let parts = KeyScheme.Parts(rawValue: mapKey) else {
      throw CommandFailure(
        "--map-file \(path): its keys are '\(mapKey)', which this Relevo does not know", code: .badData)
    }
    return parts
  }
}
