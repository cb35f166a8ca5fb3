import Glibc

/// Reads one snapshot file, and what its journal changed, into a trie that is built aside, and publishes that when the file
/// has proved whole.
///
/// Lines are read and checked without a lock; their entries are added in batches, each a hold of the writer's lock for some
/// tens of microseconds, so that the map learns meanwhile.
struct SnapshotLoader: ~Copyable {
  /// What the start of a file says of the whole. It is only proved when the whole has been read.
  struct Heading {
    var mapKey = SnapshotFormat.unsaidMapKey
    var place = JournalPlace.first
  }

  /// What came of a load.
  struct Found {
    /// Those that were read and that the journal has not removed.
    var urls = 0
    /// Those whose keys were made anew.
    var remade = 0
    /// The first line that is out of order.
    var unorderedLine: Int?
  }

  private let path: String
  private let map: URLMap
  private let journal: JournalReader
  private let mayGoOn: (_ bytes: Int) -> Bool
  /// Of the snapshot.
  private var bytesRead = 0
  private var line = 0
  private var urls = 0
  private var found = Found()
  private let remaking: KeyRemaking?
  /// How many entries were added one by one, behind those of the file.
  private var merges = 0
  private var checksum = CRC32()
  private var hasEnded = false
  /// The newest time that is spoken of: "now" for what must go if what was learned meanwhile passes the map's bound.
  private var newest: UInt32 = 0
  private var turn = Turn()
  private var batch: [(key: Range<Int>, entry: MapEntry, line: Int)] = []

  private static let headingLines = 3
  private static let headingBytes = 256
  private static let readBytes = 256 << 10
  private static let batchEntries = 256

  /// Loads `file`, whose name is `path` (nil: there is none), and what `journal` changed.
  ///
  /// `mayGoOn` is asked every few milliseconds, with the bytes read so far and no lock held; false breaks the load off. On an error the map is as it
  /// was.
  static func load(
    _ file: OpenFile?, _ path: String, _ journal: JournalReader, into map: URLMap,
    mayGoOn: (_ bytes: Int) -> Bool
  ) throws(SnapshotError) -> Found {
    let result = withoutActuallyEscaping(mayGoOn) { mayGoOn in
      map.core.loading.withLock { _ -> Result<Found, SnapshotError> in
        var loader = SnapshotLoader(path, map, journal, mayGoOn)
        map.core.writer.withLock { $0.beginLoad() }
        do throws(SnapshotError) {
          if let file { try loader.read(file) }
          try loader.addLearned()
          try loader.addRemade()
          try loader.publish()
          return .success(loader.found)
        } catch {
          map.core.writer.withLock { $0.abandonLoad() }
          return .failure(error)
        }
      }
    }
    return try result.get()
  }

  private init(_ path: String, _ map: URLMap, _ journal: JournalReader, _ mayGoOn: @escaping (Int) -> Bool) {
    self.path = path
    self.map = map
    self.journal = journal
    self.mayGoOn = mayGoOn
    newest = journal.changes.newest
    remaking = map.keys.map { KeyRemaking($0) }
    batch.reserveCapacity(SnapshotLoader.batchEntries)
  }

  // MARK: Reading

  /// What the first lines say.
  static func heading(of file: OpenFile) throws(SnapshotError) -> Heading {
    let bytes = try file.descriptor.readStart(headingBytes)
    var heading = Heading()
    var start = 0
    for _ in 1...headingLines {
      guard let end = Lines.end(in: bytes.span, from: start) else { break }
      switch try? SnapshotFormat.parse(bytes.span.extracting(start..<end), maxKeyBytes: headingBytes) {
      case .mapKey(let word): heading.mapKey = word
      case .journal(let place): heading.place = place
      case .entry, .end: return heading
      case .comment, nil: break
      }
      start = end + 1
    }
    return heading
  }

  private mutating func read(_ file: OpenFile) throws(SnapshotError) {
    let longestLine = map.maxKeyBytes + SnapshotFormat.apachePieceBytes + SnapshotFormat.longestRest
    var buffer: [UInt8] = []
    while true {
      guard mayGoOn(bytesRead) else { throw .interrupted(path: path) }
      let rest = buffer.count
      buffer = try file.descriptor.read(SnapshotLoader.readBytes, behind: buffer.span)
      if buffer.count == rest { break }
      bytesRead += buffer.count - rest
      let taken = try takeLines(buffer.span)
      buffer.removeSubrange(..<taken)
      if buffer.count > longestLine {
        line += 1
        throw refused("the line is longer than any with a URL of \(map.maxKeyBytes) bytes")
      }
    }
    line += 1
    guard buffer.isEmpty else { throw refused("the line has no end: the file is cut off") }
    guard hasEnded else { throw refused("the end line is missing: the file is cut off") }
  }

  /// Takes all whole lines of `bytes`; where the rest begins.
  private mutating func takeLines(_ bytes: Span<UInt8>) throws(SnapshotError) -> Int {
    var start = 0
    /// Where the lines begin that the checksum does not have yet.
    var unsummed = 0
    while let end = Lines.end(in: bytes, from: start) {
      line += 1
      guard !hasEnded else { throw refused("something follows the end line") }
      let content = bytes.extracting(start..<end)
      guard line > 1 || isFirstLine(content) else {
        throw refused("the first line is not `\(SnapshotFormat.firstLine)`: this is no URL map of Relevo's")
      }
      switch try parse(content) {
      case .comment: break
      case .mapKey, .journal:
        guard urls == 0, line <= SnapshotLoader.headingLines else {
          throw refused("this line may only stand at the top of the file")
        }
      case .entry(let key, let entry):
        urls += 1
        newest = max(newest, entry.lastUsedAt)
        if keepAside(content.extracting(key), entry) { break }
        batch.append((start + key.lowerBound..<start + key.upperBound, entry, line))
        if batch.count == SnapshotLoader.batchEntries { try addBatch(bytes) }
      case .end(let count, let expected):
        try addBatch(bytes)
        guard count == urls else {
          throw refused("the end line counts \(count) URLs, the file has \(urls)")
        }
        checksum.update(bytes.extracting(unsummed..<start))
        guard expected == checksum.value else { throw refused("the checksum does not fit what is above it") }
        hasEnded = true
      }
      start = end + 1
    }
    try addBatch(bytes)
    if !hasEnded {
      checksum.update(bytes.extracting(unsummed..<start))
      unsummed = start
    }
    return start
  }

  private func parse(_ content: Span<UInt8>) throws(SnapshotError) -> SnapshotFormat.Line {
    do {
      return try SnapshotFormat.parse(content, maxKeyBytes: map.maxKeyBytes)
    } catch {
      throw refused(error.reason)
    }
  }

  private func isFirstLine(_ content: Span<UInt8>) -> Bool {
    unsafe content.withUnsafeBytes { unsafe $0.elementsEqual(SnapshotFormat.firstLine.utf8) }
  }

  private func refused(_ reason: String) -> SnapshotError {
    .refused(path: path, line: line, reason: reason)
  }

  // MARK: Adding

  /// Adds the entries of the batch, whose keys stand in `bytes`.
  private mutating func addBatch(_ bytes: Span<UInt8>) throws(SnapshotError) {
    guard !batch.isEmpty else { return }
    let hasChanges = !journal.changes.isEmpty
    // What is too much is only counted, so that the error can tell how much there is.
    let room = map.maxURLs - found.urls
    let (done, unordered, stopped) = unsafe bytes.withUnsafeBytes { bytes in
      map.core.writer.withLock {
        writer -> (added: Int, unordered: Int?, stopped: (line: Int, TrieBuilder.Added)?) in
        var added = 0
        var unordered: Int?
        for item in batch {
          let key = unsafe UnsafeRawBufferPointer(rebasing: bytes[item.key])
          var entry = item.entry
          if hasChanges {
            guard let changed = unsafe journal.applied(to: entry, key) else { continue }
            entry = changed
          }
          guard added < room else {
            added += 1
            continue
          }
          let result = unsafe writer.addLoaded(key, entry)
          switch result {
          case .added: break
          case .addedOutOfOrder: unordered = item.line
          case .duplicate, .outOfMemory: return (added, unordered, (item.line, result))
          }
          added += 1
        }
        return (added, unordered, nil)
      }
    }
    found.urls += done
    found.unorderedLine = found.unorderedLine ?? unordered
    if let stopped {
      guard stopped.1 == .duplicate else { throw outOfMemory }
      line = stopped.line
      throw refused("the URL stands in the file twice")
    }
    batch.removeAll(keepingCapacity: true)
    letOthersIn()
  }

  /// Whoever waits for the writer's lock may be passed over again and again: its changes are applied here. Who waits for the
  /// processor gets it.
  private mutating func letOthersIn() {
    _ = map.core.applyBatch()
    turn.endIfLong()
  }

  /// Keeps an entry aside whose key is to be made anew, if the journal leaves it; false if the key is right.
  private func keepAside(_ key: Span<UInt8>, _ entry: MapEntry) -> Bool {
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    guard unsafe remaking?.isOutdated(key.bytes) == true else { return false }
    let entry = unsafe key.withUnsafeBytes { unsafe journal.applied(to: entry, $0) }
    if let entry { remaking?.keep(entry) }
    return true
  }

  /// Adds what the journal has and the file had not.
  private mutating func addLearned() throws(SnapshotError) {
    let (journal, remaking) = (journal, remaking)
    let isAdded = unsafe journal.changes.forEachUnused { key, entry in
      guard unsafe remaking?.isOutdated(key.bytes) == true else { return unsafe merge(key, entry) }
      remaking?.keep(entry)
      return true
    }
    guard isAdded else { throw outOfMemory }
  }

  /// Adds what was kept aside.
  private mutating func addRemade() throws(SnapshotError) {
    if let remaking {
      found.remade = remaking.count
      guard unsafe remaking.forEach({ unsafe merge($0, $1) }) else { throw outOfMemory }
    }
    guard found.urls <= map.maxURLs else {
      throw .tooManyURLs(path: path, urls: found.urls, limit: map.maxURLs)
    }
  }

  /// Adds an entry that may be there. False without memory.
  private mutating func merge(_ key: UnsafeRawBufferPointer, _ entry: MapEntry) -> Bool {
    merges += 1
    if merges % SnapshotLoader.batchEntries == 0 { letOthersIn() }
    // What is too much is only counted.
    let added =
      found.urls > map.maxURLs ? .added : map.core.writer.withLock { unsafe $0.mergeLoaded(key, entry) }
    switch added {
    case .added, .addedOutOfOrder: found.urls += 1
    case .duplicate: break
    case .outOfMemory: return false
    }
    return true
  }

  private mutating func publish() throws(SnapshotError) {
    var last: [UInt8]? = []
    while last != nil {
      guard mayGoOn(bytesRead) else { throw .interrupted(path: path) }
      guard map.core.writer.withLock({ $0.mergePresent(after: &last) }) else { throw outOfMemory }
      letOthersIn()
    }
    guard map.core.writer.withLock({ $0.publishLoad() }) else { throw outOfMemory }
    trim()
  }

  /// Takes out the coldest of what is above the map's bound with what was learned meanwhile.
  private func trim() {
    let stepEntries = 1024
    var seen = 0
    while map.core.writer.withLock({ $0.surveyIfOver(stepEntries, at: newest) }) {
      seen += stepEntries
      if seen >= map.count { break }
    }
    while map.core.writer.withLock({ $0.trim(at: newest) }) {}
  }

  private var outOfMemory: SnapshotError {
    .outOfMemory(path: path, limitBytes: map.core.memory.reservedBytes)
  }
}
