import URLMap

/// What the checks of the files come to.
struct FilesVerdict {
  let path: String
  var current: FileCheck
  let previous: FileCheck

  private var previousPath: String { path + ".prev" }

  /// What a start would load.
  private var used: (report: LoadReport, keys: FileCheck.Keys, isPrevious: Bool)? {
    switch (current.result, previous.result) {
    case (.good(let report), _): (report, current.keys, false)
    case (_, .good(let report)): (report, previous.keys, true)
    case (_, _): nil
    }
  }

  var hasNoSnapshot: Bool {
    if case (.missing, .missing) = (current.result, previous.result) { return true }
    return false
  }

  /// Whether nothing that is there is broken, and nothing is missing that others need.
  var isGood: Bool {
    guard case .good(let report) = current.result else { return false }
    if case .broken = previous.result { return false }
    return report.journal.refused.isEmpty && report.journal.foreign.isEmpty
  }

  var lines: [String] {
    var rows = [row(path, current), row(previousPath, previous)]
    if let journal = used?.report.journal { rows += self.rows(journal) }
    let width = rows.map(\.name.count).max() ?? 0
    return rows.map { "\($0.name.padded(to: width))  \($0.state.padded(to: 7))  \($0.words)".trimmingEnd() }
      + ["", start]
  }

  private typealias Row = (name: String, state: String, words: String)

  private func row(_ path: String, _ check: FileCheck) -> Row {
    switch check.result {
    case .missing: return (path, "none", "")
    case .broken(let error): return (path, "broken", Self.reason(error))
    case .good(let report) where report.source == .none:
      let words = "the journal alone: \(Figures.count(report.urls, "URL")), keys \(report.mapKey)"
      return (path, "none", ([words] + oddities(check, report)).joined(separator: "; "))
    case .good(let report):
      return (path, "good", ([words(report)] + oddities(check, report)).joined(separator: "; "))
    }
  }

  private func words(_ report: LoadReport) -> String {
    "\(Figures.count(report.urls, "URL")) with its journal, keys \(report.mapKey)"
  }

  /// What is no harm, but not as Relevo writes it either.
  private func oddities(_ check: FileCheck, _ report: LoadReport) -> [String] {
    var oddities: [String] = []
    if let line = report.unorderedLine {
      oddities.append(
        "line \(line): its URL belongs above the line before, so that a load takes longer from there on")
    }
    if check.keys.outdated > 0 {
      let joined = check.keys.joined
      oddities.append(
        "\(Figures.count(check.keys.outdated)) not written as a request's key is, which a start puts right"
          + (joined > 0 ? ", \(Figures.count(joined)) by joining them with others" : ""))
    }
    if check.keys.unreachable > 0 {
      oddities.append(
        "\(Figures.count(check.keys.unreachable)) that no request can have, and that are never found")
    }
    return oddities
  }

  private func rows(_ journal: JournalReport) -> [Row] {
    let broken = Set(journal.refused.compactMap(\.brokenPath))
    var rows: [Row] = journal.segments.filter { !broken.contains($0) }.map { ($0, "good", "") }
    rows += journal.refused.map {
      ($0.brokenPath ?? path, "broken", "\(Self.reason($0)); what stands above that line is used")
    }
    rows += journal.foreign.map { ($0, "foreign", "it does not continue the map file and is not used") }
    if let last = rows.indices.last {
      rows[last].words += rows[last].words.isEmpty ? "" : "; "
      rows[last].words += Figures.count(journal.changes, "change") + " in all"
      if journal.tornBytes > 0 { rows[last].words += ", the last one cut off by the end of a process" }
    }
    return rows
  }

  private var start: String {
    guard let (report, keys, isPrevious) = used else {
      return
        "A start ends with 78: put a good copy in place, or move the files away to begin with an empty map."
    }
    let urls = Figures.count(report.urls - keys.joined, "URL")
    guard isPrevious else { return "A start loads \(path): \(urls)." }
    if case .missing = current.result { return "A start loads \(previousPath): \(urls)." }
    return "A start puts \(path) aside as \(path).refused and loads \(previousPath): \(urls)."
  }

  private static func reason(_ error: SnapshotError) -> String {
    switch error {
    case .refused(_, let line, let reason), .journalBroken(_, let line, let reason): "line \(line): \(reason)"
    case .system, .noRegularFile, .outOfMemory, .tooManyURLs, .locked, .otherMapKey, .snapshotMissing,
      .interrupted, .noneUsable:
      error.description
    }
  }
}

extension SnapshotError {
  fileprivate var brokenPath: String? {
    if case .journalBroken(let path, _, _) = self { return path }
    return nil
  }
}
