/// The lines of a snapshot file.
///
/// ```
///   # relevo url map 1
///   # map-key path-query
///   # journal 17 00f3b1c29d7a6e54 after 8e21aa0b93c4d7f6
///   # …comments…
///   /noexiste.html old 1763912535 1763912601 5
///   # end urls=1 crc32=0a1b2c3d
/// ```
/// An entry is the key, the word `old`, when it was learned and last used (seconds since 1970) and its visits, one
/// space between. HAProxy and Apache take the first word as the key and the second as the value. A comment begins with
/// `# `; no key does. What the keys consist of stands above the first entry, in the words of `--map-key`; a file that
/// does not say it has `path-query`. So does the segment of the journal that continues the file (see `JournalMark`). The
/// checksum is of all bytes before the end line.
///
/// **Long URLs.** Apache (2.4) reads a map in pieces of 1024 bytes and takes each piece for a line. A URL is found
/// if it and the word behind it fit into the first piece; what is cut off then begins with a digit, which no URL
/// does. A longer URL is not found, and its last piece would be an entry of its own: a URL that nobody learned. So
/// its line begins with as many spaces as put the last cut right behind the URL: that piece begins with a space, and
/// Apache skips it. HAProxy skips spaces at the beginning of a line.
enum SnapshotFormat {
  static let firstLine = "# relevo url map 1"
  static let mapKeyStart = "# map-key "
  static let journalStart = "# journal "
  static let journalAfter = " after "
  /// What a file's keys consist of that does not say it.
  static let unsaidMapKey = "path-query"
  static let endLineStart = "# end urls="
  static let endLineMiddle = " crc32="
  static let apachePieceBytes = 1024
  /// The longest URL that Apache finds: with ` old ` it fills a piece.
  static let longestApacheKey = 1019
  /// What a line has beside its key: three numbers, the word, the spaces and the line's end.
  static let longestRest = 3 * 10 + 3 + 4 + 1

  static func head(mapKey: String, _ place: JournalPlace) -> String {
    var journal: [UInt8] = []
    Digits.appendHexadecimal(place.mark.id, count: 16, to: &journal)
    journal.append(contentsOf: journalAfter.utf8)
    Digits.appendHexadecimal(place.after, count: 16, to: &journal)
    return """
      \(firstLine)
      \(mapKeyStart)\(mapKey)
      \(journalStart)\(place.mark.number) \(String(decoding: journal, as: UTF8.self))
      # URL, "old", learned, last used (both in seconds since 1970), visits. Written by Relevo: do not edit, the
      # checksum in the last line is of all that stands above it. Others read this file as it stands:
      #   HAProxy:  use_backend old if { pathq,map_str(/path/of/this/file) -m found }
      #   Apache:   RewriteMap relevo "txt:/path/of/this/file"
      #             RewriteCond %{THE_REQUEST} "^[^ ]+ ([^ ]+)"
      #             RewriteCond "${relevo:%1|new}" "=old"
      #             (Apache finds no URL over 1019 bytes in a text map)

      """
  }

  /// Appends the line of one entry.
  static func append(_ key: RawSpan, _ entry: MapEntry, to line: inout [UInt8]) {
    let start = line.count
    unsafe key.withUnsafeBytes { unsafe line.append(contentsOf: $0) }
    line.append(contentsOf: " old ".utf8)
    Digits.append(entry.learnedAt, to: &line)
    line.append(UInt8(ascii: " "))
    Digits.append(entry.lastUsedAt, to: &line)
    line.append(UInt8(ascii: " "))
    Digits.append(entry.hits, to: &line)
    line.append(UInt8(ascii: "\n"))
    if key.byteCount > longestApacheKey {
      let past = key.byteCount % apachePieceBytes
      let spaces = past == 0 ? 0 : apachePieceBytes - past
      line.insert(contentsOf: repeatElement(UInt8(ascii: " "), count: spaces), at: start)
    }
  }

  /// Appends the last line.
  static func appendEnd(urls: Int, checksum: UInt32, to line: inout [UInt8]) {
    line.append(contentsOf: endLineStart.utf8)
    line.append(contentsOf: String(urls).utf8)
    line.append(contentsOf: endLineMiddle.utf8)
    Digits.appendHexadecimal(UInt64(checksum), count: 8, to: &line)
    line.append(UInt8(ascii: "\n"))
  }

  // MARK: Reading

  enum Line {
    case comment
    case mapKey(String)
    case journal(JournalPlace)
    case entry(key: Range<Int>, MapEntry)
    case end(urls: UInt32, checksum: UInt32)
  }

  /// Why a line is not one.
  struct BadLine: Error {
    let reason: String
  }

  /// What `line`, which is without its line end, says. Strict: only what is written above passes.
  static func parse(_ line: Span<UInt8>, maxKeyBytes: Int) throws(BadLine) -> Line {
    if line.count > 0, line[0] == UInt8(ascii: "#"), line.count == 1 || line[1] == UInt8(ascii: " ") {
      if Digits.hasPrefix(line, endLineStart) { return try parseEnd(line) }
      return try parseHeading(line)
    }
    var start = 0
    while start < line.count, line[start] == UInt8(ascii: " ") { start += 1 }
    guard start < apachePieceBytes else { throw BadLine(reason: "too many spaces before the URL") }
    var position = start
    while position < line.count, line[position] > 0x20, line[position] < 0x7F { position += 1 }
    let key = start..<position
    guard !key.isEmpty, line[start] != UInt8(ascii: "#") else {
      throw BadLine(reason: "there is no URL in it")
    }
    guard position < line.count, line[position] == UInt8(ascii: " ") else {
      throw BadLine(reason: "after the URL, a space is missing")
    }
    guard key.count <= maxKeyBytes else {
      throw BadLine(reason: "the URL is longer than \(maxKeyBytes) bytes")
    }
    guard Digits.hasPrefix(line.extracting(position...), " old ") else {
      throw BadLine(reason: "after the URL, the word `old` is missing")
    }
    position += 5
    let learned = try number(line, &position, "the time of learning", endsWith: UInt8(ascii: " "))
    let used = try number(line, &position, "the time of the last use", endsWith: UInt8(ascii: " "))
    let hits = try number(line, &position, "the number of visits", endsWith: nil)
    return .entry(key: key, MapEntry(learnedAt: learned, lastUsedAt: used, hits: hits))
  }

  /// The lines above the first entry that tell something.
  private static func parseHeading(_ line: Span<UInt8>) throws(BadLine) -> Line {
    if Digits.hasPrefix(line, mapKeyStart) {
      let word = line.extracting(mapKeyStart.utf8.count...)
      guard (1...32).contains(word.count), word.indices.allSatisfy({ isInMapKey(word[$0]) }) else {
        throw BadLine(reason: "after `\(mapKeyStart)`, a word such as path-query is missing")
      }
      return .mapKey(unsafe word.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) })
    }
    guard Digits.hasPrefix(line, journalStart) else { return .comment }
    var position = journalStart.utf8.count
    let after = journalAfter.utf8.count
    guard let number = Digits.number(line, &position), line.count == position + 17 + after + 16,
      line[position] == UInt8(ascii: " "), let id = Digits.hexadecimal(line, position + 1..<position + 17),
      Digits.hasPrefix(line.extracting((position + 17)...), journalAfter),
      let idBefore = Digits.hexadecimal(line, position + 17 + after..<line.count)
    else { throw BadLine(reason: "after `\(journalStart)`, a number and two ids are missing") }
    return .journal(JournalPlace(mark: JournalMark(number: number, id: id), after: idBefore))
  }

  static func isInMapKey(_ byte: UInt8) -> Bool {
    (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "-")
  }

  private static func parseEnd(_ line: Span<UInt8>) throws(BadLine) -> Line {
    var position = endLineStart.utf8.count
    let urls = try number(line, &position, "the number of URLs", endsWith: UInt8(ascii: " "))
    position -= 1
    guard Digits.hasPrefix(line.extracting(position...), endLineMiddle) else {
      throw BadLine(reason: "the checksum is missing")
    }
    position += endLineMiddle.utf8.count
    guard line.count - position == 8 else { throw BadLine(reason: "the checksum has not eight digits") }
    guard let checksum = Digits.hexadecimal(line, position..<line.count) else {
      throw BadLine(reason: "the checksum is not hexadecimal")
    }
    return .end(urls: urls, checksum: UInt32(truncatingIfNeeded: checksum))
  }

  /// A number from `position` to `end` (nil: the line's end), and moves behind it. No sign, no leading zero.
  private static func number(
    _ line: Span<UInt8>, _ position: inout Int, _ name: String, endsWith end: UInt8?
  ) throws(BadLine) -> UInt32 {
    guard let number = Digits.number(line, &position) else {
      throw BadLine(reason: "\(name) is not a number up to \(UInt32.max)")
    }
    guard let end else {
      guard position == line.count else { throw BadLine(reason: "something follows \(name)") }
      return number
    }
    guard position < line.count, line[position] == end else {
      throw BadLine(reason: "\(name) is not a number followed by a space")
    }
    position += 1
    return number
  }
}
