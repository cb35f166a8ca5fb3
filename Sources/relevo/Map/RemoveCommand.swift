import ArgumentParser
import MapQueries
import URLMap

/// `relevo map remove`.
struct RemoveCommand: MapSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Makes URLs unknown: their next visit asks the new site first.",
    usage: """
      relevo map remove URL... --map-file FILE [flags]
      relevo map remove --prefix PREFIX [--yes] --map-file FILE
      """,
    discussion: """
      - stands for standard input with one URL a line. If the old site still has a
      page and the new one does not, its next visit makes it known again.

        relevo map remove /a.html --map-file urls.map
        relevo map remove --prefix /docs/ --map-file urls.map
      """)

  static let flagsFromEnvironment: Set<String> = ["map-file", "ignore-query"]

  @Argument(help: ArgumentHelp("Paths with their queries, absolute URLs, or -.", valueName: "url"))
  var urls: [String] = []

  @OptionGroup var file: MapFileFlags
  @OptionGroup var keys: KeyFlags

  @Option(help: ArgumentHelp("All URLs whose key begins with this, as in /docs/.", valueName: "prefix"))
  var prefix: String?

  @Flag(help: "Do not ask before --prefix removes; needed where nobody can be asked.")
  var yes = false

  func run() throws {
    switch (urls.isEmpty, prefix) {
    case (false, nil): try removeURLs()
    case (true, let prefix?) where !prefix.isEmpty: try remove(prefix: prefix)
    case (true, .some):
      throw CommandFailure("--prefix is empty: write how the URLs begin, as in /docs/", code: .usage)
    case (true, nil): throw CommandFailure("name the URLs, or how they begin: --prefix /docs/", code: .usage)
    case (false, .some): throw CommandFailure("give either URLs or --prefix", code: .usage)
    }
  }

  private func removeURLs() throws {
    let edit = try MapEdit(path: file.path(), newMapKey: nil)
    let scheme = try keys.scheme(mapKey: edit.mapKey)
    var unknown = 0
    let reader = edit.map.makeReader()
    try URLInput(urls).forEach { text throws(BadURL) in
      try scheme.key(parsing: text)
    } use: { key in
      // Bytes have no padding, which is what makes a raw view of other elements unsafe.
      if unsafe reader.lookup(key.span.bytes, countingHitAt: nil) == nil { unknown += 1 }
      try edit.forget(key)
    }
    try finish(edit, remark: unknown > 0 ? "; \(Figures.count(unknown)) not known" : "")
  }

  private func remove(prefix: String) throws {
    if !yes, !Terminal.canAnswer {
      throw CommandFailure(
        "--prefix removes many URLs at once: add --yes where nobody can be asked", code: .usage)
    }
    let edit = try MapEdit(path: file.path(), newMapKey: nil)
    var count = 0
    edit.map.forEachEntry(withPrefix: Array(prefix.utf8)) { _, _ in count += 1 }
    if count > 0, !yes {
      let question = "Remove \(Figures.count(count, "URL")) that begin with \(prefix)? [y/N] "
      StandardStream.error.write(question)
      guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
        throw CommandFailure("nothing was removed", code: ExitCode.failure.rawValue)
      }
    }
    try edit.map.forEachEntry(withPrefix: Array(prefix.utf8)) { key, _ in
      try edit.forget(unsafe key.withUnsafeBytes { unsafe [UInt8]($0) })
    }
    try finish(edit, remark: "")
  }

  private func finish(_ edit: MapEdit, remark: String) throws {
    edit.map.waitUntilApplied()
    let removed = Int(edit.map.statistics.forgotten)
    if removed > 0 { try edit.save() }
    var output = LineOutput()
    try output.append("removed \(Figures.count(removed, "URL"))\(remark)\n")
    try output.flush()
  }
}
