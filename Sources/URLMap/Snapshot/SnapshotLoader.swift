import Glibc

/// Reads one snapshot file into a trie that is built aside, and publishes that when the file has proved whole.
struct SnapshotLoader: ~Copyable {
  private let path: String
  private let maxKeyBytes: Int
  /// What the keys must consist of; nil: anything.
  private let wantedMapKey: String?
  private var mapKey = SnapshotFormat.unsaidMapKey
  private var line = 0
  private var urls = 0
  private var checksum = CRC32()
  private var hasEnded = false
  /// The newest time that the file speaks of: "now" for what must go if the map's bound is passed.
  private var newest: UInt32 = 0

  private static let readBytes = 256 << 10

  /// Loads the file at `path`, if its keys are of the kind `mapKey` or that is nil: how many URLs it had, and the kind.
  static func load(
    _ path: String, into map: URLMap, mapKey: String?
  ) throws(SnapshotError) -> (urls: Int, mapKey: String) {
    var loader = SnapshotLoader(path, maxKeyBytes: map.maxKeyBytes, mapKey: mapKey)
    let file = try FileDescriptor(opening: path, O_RDONLY, to: "open the URL map")
    let result = map.core.writer.withLock { writer -> Result<Int, SnapshotError> in
      var builder = TrieBuilder()
      do throws(SnapshotError) {
        try loader.read(file, to: &builder, &writer.trie)
      } catch {
        writer.abandon(&builder)
        return .failure(error)
      }
      guard writer.publish(&builder, at: loader.newest) else {
        return .failure(.outOfMemory(path: path, limitBytes: writer.trie.allocator.limitBytes))
      }
      return .success(loader.urls)
    }
    return (try result.get(), loader.mapKey)
  }

  private init(_ path: String, maxKeyBytes: Int, mapKey: String?) {
    self.path = path
    self.maxKeyBytes = maxKeyBytes
    wantedMapKey = mapKey
  }

  private mutating func read(
    _ file: borrowing FileDescriptor, to builder: inout TrieBuilder, _ trie: inout Trie
  ) throws(SnapshotError) {
    let longestLine = maxKeyBytes + SnapshotFormat.apachePieceBytes + SnapshotFormat.longestRest
    var buffer: [UInt8] = []
    while true {
      let rest = buffer.count
      buffer = try file.read(SnapshotLoader.readBytes, behind: buffer.span)
      if buffer.count == rest { break }
      let taken = try takeLines(buffer.span, to: &builder, &trie)
      buffer.removeSubrange(..<taken)
      if buffer.count > longestLine {
        line += 1
        throw refused("the line is longer than any with a URL of \(maxKeyBytes) bytes")
      }
    }
    line += 1
    guard buffer.isEmpty else { throw refused("the line has no end: the file is cut off") }
    guard hasEnded else { throw refused("the end line is missing: the file is cut off") }
  }

  /// Takes all whole lines of `bytes`; where the rest begins.
  private mutating func takeLines(
    _ bytes: Span<UInt8>, to builder: inout TrieBuilder, _ trie: inout Trie
  ) throws(SnapshotError) -> Int {
    var start = 0
    while let end = nextLineEnd(bytes, from: start) {
      line += 1
      guard !hasEnded else { throw refused("something follows the end line") }
      let content = bytes.extracting(start..<end)
      guard line > 1 || isFirstLine(content) else {
        throw refused("the first line is not `\(SnapshotFormat.firstLine)`: this is no URL map of Relevo's")
      }
      try take(content, to: &builder, &trie)
      if !hasEnded { checksum.update(bytes.extracting(start...end)) }
      start = end + 1
    }
    return start
  }

  private mutating func take(
    _ content: Span<UInt8>, to builder: inout TrieBuilder, _ trie: inout Trie
  ) throws(SnapshotError) {
    let parsed: SnapshotFormat.Line
    do {
      parsed = try SnapshotFormat.parse(content, maxKeyBytes: maxKeyBytes)
    } catch {
      throw refused(error.reason)
    }
    switch parsed {
    case .comment: return
    case .mapKey(let word):
      guard urls == 0 else { throw refused("what the keys are made of stands behind the first URL") }
      mapKey = word
    case .entry(let key, let entry):
      if urls == 0 { try checkMapKey() }
      newest = max(newest, entry.lastUsedAt)
      let added = unsafe content.extracting(key).withUnsafeBytes { unsafe builder.add($0, entry, to: &trie) }
      switch added {
      case .added: urls += 1
      case .duplicate: throw refused("the URL stands in the file twice")
      case .outOfMemory: throw .outOfMemory(path: path, limitBytes: trie.allocator.limitBytes)
      }
    case .end(let count, let expected):
      guard count == urls else {
        throw refused("the end line counts \(count) URLs, the file has \(urls)")
      }
      guard expected == checksum.value else { throw refused("the checksum does not fit what is above it") }
      try checkMapKey()
      hasEnded = true
    }
  }

  private func checkMapKey() throws(SnapshotError) {
    if let wantedMapKey, mapKey != wantedMapKey {
      throw .otherMapKey(path: path, file: mapKey, map: wantedMapKey)
    }
  }

  private func nextLineEnd(_ bytes: Span<UInt8>, from start: Int) -> Int? {
    unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress, start < buffer.count,
        let found = unsafe memchr(base + start, 0x0A, buffer.count - start)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - base
    }
  }

  private func isFirstLine(_ content: Span<UInt8>) -> Bool {
    unsafe content.withUnsafeBytes { unsafe $0.elementsEqual(SnapshotFormat.firstLine.utf8) }
  }

  private func refused(_ reason: String) -> SnapshotError {
    .refused(path: path, line: line, reason: reason)
  }
}
