import URLMap

/// What was exported.
public struct ExportReport: Sendable, Equatable {
  /// Entries that stand in the file.
  public var written = 0
  /// Entries that the reader of the format could not use: too long for it.
  public var leftOut = 0
  /// Entries for which a line of another stands too.
  public var covered = 0
  /// Files written; 1 for standard output.
  public var files = 1
}

/// Writes the entries of a map in one of the formats, as they are walked: memory does not grow with them.
public struct MapExport {
  private let options: ExportOptions
  private var format: any EntryFormat
  private let isSitemap: Bool

  /// - Precondition: `format.problem(with: options)` is nil.
  public init(_ format: ExportFormat, _ options: ExportOptions) {
    self.options = options
    self.format = format.makeFormat(options)
    isSitemap = format == .sitemap
  }

  /// - Parameter progress: called now and then with the number of bytes written.
  /// - Throws: ``ExportError``; no file is then in place that was not there before.
  public mutating func write(
    _ map: URLMap, to output: ExportOutput, progress: (_ doneBytes: Int) -> Void = { _ in }
  ) throws(ExportError) -> ExportReport {
    if format.needsSurvey {
      map.forEachEntry(withPrefix: options.prefix) { key, entry in
        if entry.hits >= options.minHits { format.survey(key) }
      }
    }
    var report = ExportReport()
    try output.begin(SitemapIndex.partName(1))
    format.appendHead(to: &output.bytes)
    try map.forEachEntry(withPrefix: options.prefix) { key, entry throws(ExportError) in
      guard entry.hits >= options.minHits else { return }
      var outcome = format.append(key, entry, to: &output.bytes)
      if outcome == .full {
        try beginNextFile(output, &report)
        outcome = format.append(key, entry, to: &output.bytes)
      }
      switch outcome {
      case .written: report.written += 1
      case .leftOut, .full: report.leftOut += 1
      case .covered: report.covered += 1
      }
      if try output.flushIfFull() { progress(output.writtenBytes) }
    }
    format.appendFoot(to: &output.bytes)
    try output.end()
    if isSitemap, output.isFolder { try writeIndex(output, &report) }
    try output.commit()
    return report
  }

  private mutating func beginNextFile(
    _ output: ExportOutput, _ report: inout ExportReport
  ) throws(ExportError) {
    guard output.isFolder else { throw .needsFolder }
    format.appendFoot(to: &output.bytes)
    try output.end()
    report.files += 1
    try output.begin(SitemapIndex.partName(report.files))
    format.appendHead(to: &output.bytes)
  }

  private func writeIndex(_ output: ExportOutput, _ report: inout ExportReport) throws(ExportError) {
    guard let base = SitemapIndex.base(options) else { throw .needsBase }
    try output.begin(SitemapIndex.name)
    output.bytes.append(contentsOf: SitemapIndex.document(parts: report.files, base: base))
    try output.end()
    report.files += 1
  }
}
