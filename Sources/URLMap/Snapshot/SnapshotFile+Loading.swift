import Glibc

extension SnapshotFile {
  /// Adds what the file and its journal hold to `map`: all of it in one step at the end, or, if it cannot be used, nothing.
  ///
  /// A broken or unreadable file is refused with its first wrong line, and `path.prev` is taken instead; the report says so,
  /// and the broken file becomes `path.refused`, so that it never takes the good one's place. No file at all is an empty
  /// map. Throws when neither file can be used.
  ///
  /// The journal's changes since then are applied up to the first that is broken. What was cut off at its end, by the end of
  /// the process that wrote it, is let go. A segment that is broken before that gets a second name, `….refused`; one that
  /// does not continue the file, as when a copy from elsewhere was put in place, is renamed so and not applied.
  ///
  /// Keys that are not as the map's ``KeyScheme`` makes them are made anew, and those that become one are joined.
  ///
  /// Look-ups and changes go on meanwhile. URLs that the map knows already stay, with the later times and the sum of the
  /// visits. O(bytes of the file); fastest when the keys are in order, as `write` leaves them.
  ///
  /// `progress` is told every few milliseconds how many bytes of the snapshot have been read.
  ///
  /// - Throws: also ``SnapshotError/otherMapKey(path:file:map:)``, when the map is for other keys, and
  ///   ``SnapshotError/tooManyURLs(path:urls:limit:)``, when it may not keep so many.
  @discardableResult
  public func load(
    into map: URLMap, progress: (_ bytes: Int) -> Void = { _ in }
  ) throws(SnapshotError) -> LoadReport {
    try load(
      into: map, begun: { _, _ in },
      mayGoOn: { bytes in
        progress(bytes)
        return true
      })
  }

  /// As ``load(into:progress:)``, for those who only look, at the files of a running Relevo as well: takes no lock, changes
  /// and renames nothing, and takes keys of any kind; the report says which they are.
  @discardableResult
  public func read(
    into map: URLMap, progress: (_ bytes: Int) -> Void = { _ in }
  ) throws(SnapshotError) -> LoadReport {
    try read(
      nil, into: map, mapKey: nil, begun: { _, _ in },
      mayGoOn: { bytes in
        progress(bytes)
        return true
      })
  }

  /// The two snapshots that there may be.
  public enum Copy: Sendable {
    case current, previous
  }

  /// As ``read(into:progress:)``, for a check: one of the snapshots and the journal behind it, whatever the other is like.
  @discardableResult
  public func read(
    _ copy: Copy, into map: URLMap, progress: (_ bytes: Int) -> Void = { _ in }
  ) throws(SnapshotError) -> LoadReport {
    try read(
      copy, into: map, mapKey: nil, begun: { _, _ in },
      mayGoOn: { bytes in
        progress(bytes)
        return true
      })
  }

  /// As ``load(into:progress:)``. `begun` is told which segment continues the snapshot and where the journal goes on, before the
  /// snapshot is read; once more if that one turns out broken. For `mayGoOn` see ``SnapshotLoader``.
  func load(
    into map: URLMap, begun: (_ snapshot: JournalMark, _ next: JournalPlace) -> Void,
    mayGoOn: (_ bytes: Int) -> Bool
  ) throws(SnapshotError) -> LoadReport {
    let report = try read(nil, into: map, mapKey: map.mapKey, begun: begun, mayGoOn: mayGoOn)
    if case .refused = report.refused { try? disk.rename(path, to: refusedPath, "put it aside") }
    for case .journalBroken(let path, _, _) in report.journal.refused {
      disk.remove(path + ".refused")
      try? disk.link(path, to: path + ".refused", "put it aside")
    }
    for path in report.journal.foreign { try? disk.rename(path, to: path + ".refused", "put it aside") }
    return report
  }

  private func read(
    _ copy: Copy?, into map: URLMap, mapKey: String?, begun: (JournalMark, JournalPlace) -> Void,
    mayGoOn: (_ bytes: Int) -> Bool
  ) throws(SnapshotError) -> LoadReport {
    let start = ContinuousClock.now
    func read(_ source: LoadReport.Source, _ path: String) throws(SnapshotError) -> LoadReport {
      let (file, heading, journal) = try open(path, mapKey, maxKeyBytes: map.maxKeyBytes)
      if let mapKey, heading.mapKey != mapKey {
        throw .otherMapKey(path: path, file: heading.mapKey, map: mapKey)
      }
      try journal.read()
      begun(heading.place.mark, journal.next)
      let found = try SnapshotLoader.load(file, path, journal, into: map, mayGoOn: mayGoOn)
      return LoadReport(
        source: source, path: path, mapKey: heading.mapKey, urls: found.urls,
        duration: ContinuousClock.now - start, journal: journal.report, remade: found.remade,
        unorderedLine: found.unorderedLine)
    }
    func readJournalAlone() throws(SnapshotError) -> LoadReport {
      let journal = try JournalReader(
        self.journal, from: .first, mapKey: mapKey, maxKeyBytes: map.maxKeyBytes)
      try journal.read()
      if let foreign = journal.report.foreign.first { throw .snapshotMissing(path: path, journal: foreign) }
      begun(JournalPlace.first.mark, journal.next)
      let found = try SnapshotLoader.load(nil, path, journal, into: map, mayGoOn: mayGoOn)
      return LoadReport(
        source: .none, path: path, mapKey: journal.mapKey ?? map.mapKey, urls: found.urls,
        duration: ContinuousClock.now - start, journal: journal.report, remade: found.remade)
    }
    switch copy {
    case .current: return try read(.current, path)
    case .previous: return try read(.previous, previousPath)
    case nil: break
    }
    let failure: SnapshotError
    do {
      return try read(.current, path)
    } catch {
      switch error {
      case .outOfMemory, .tooManyURLs, .otherMapKey, .interrupted: throw error
      case .refused, .journalBroken, .system, .noRegularFile, .locked, .snapshotMissing, .noneUsable:
        failure = error
      }
    }
    do {
      var report = try read(.previous, previousPath)
      report.refused = failure
      return report
    } catch {
      switch error {
      case .tooManyURLs, .interrupted: throw error
      case .refused, .journalBroken, .system, .noRegularFile, .outOfMemory, .locked, .otherMapKey,
        .snapshotMissing,
        .noneUsable:
        break
      }
      if failure.isMissing, error.isMissing { return try readJournalAlone() }
      throw .noneUsable(current: failure, previous: error)
    }
  }

  /// A snapshot and the segments that may continue it, as they stood at one moment: its owner may put another in place, and
  /// remove segments, between the opening of one and the other.
  private func open(
    _ path: String, _ mapKey: String?, maxKeyBytes: Int
  ) throws(SnapshotError) -> (OpenFile, SnapshotLoader.Heading, JournalReader) {
    var tries = 0
    while true {
      tries += 1
      let file = try OpenFile(opening: path, O_RDONLY, to: "open the URL map")
      let heading = try SnapshotLoader.heading(of: file)
      do throws(SnapshotError) {
        let journal = try JournalReader(
          self.journal, from: heading.place, mapKey: mapKey, maxKeyBytes: maxKeyBytes)
        if file.descriptor.isInPlace || tries == 1000 { return (file, heading, journal) }
      } catch {
        guard error.isMissing, tries < 1000 else { throw error }
      }
    }
  }
}
