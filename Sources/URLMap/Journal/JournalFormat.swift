/// The lines of a journal's segment.
///
/// ```
///   # relevo url journal 1 number=17 id=00f3b1c29d7a6e54 after=8e21aa0b93c4d7f6 map-key=path-query crc32=5b0a93ce
///   + 1763912535 /noexiste.html 1a2b3c4d
///   - 1763912540 /gone.html 5e6f7a8b
/// ```
/// `+` is a URL that was learned, or learned again, and when (seconds since 1970); `-` one that was forgotten or went
/// because the map was full. The eight digits at a line's end are the CRC-32 of all bytes of the file before them: a
/// line is good only if all lines above it are, and none is missing, twice or in another's place.
///
/// `after` is the id of the segment before: segments belong together only along these.
enum JournalFormat {
  static let headStart = "# relevo url journal 1 number="
  private static let idStart = " id="
  private static let afterStart = " after="
  private static let mapKeyStart = " map-key="
  private static let checksumStart = " crc32="
  private static let checksumDigits = 8
  /// What a line has beside its key: the sign, the time, the checksum, three spaces and the line's end.
  static let longestRest = 1 + 10 + checksumDigits + 3 + 1

  struct Head: Equatable {
    var mark: JournalMark
    var after: UInt64
    var mapKey: String

    init(_ place: JournalPlace, mapKey: String) {
      mark = place.mark
      after = place.after
      self.mapKey = mapKey
    }
  }

  struct Change {
    var kind: ChangeLog.Kind
    var time: UInt32
    var key: Range<Int>
  }

  // MARK: Writing

  /// Appends lines, and keeps the checksum over all of them.
  struct Encoder {
    private(set) var bytes: [UInt8] = []
    private var checksum = CRC32()
    private var summed = 0

    mutating func append(_ head: Head) {
      bytes.append(contentsOf: headStart.utf8)
      bytes.append(contentsOf: String(head.mark.number).utf8)
      bytes.append(contentsOf: idStart.utf8)
      Digits.appendHexadecimal(head.mark.id, count: 16, to: &bytes)
      bytes.append(contentsOf: afterStart.utf8)
      Digits.appendHexadecimal(head.after, count: 16, to: &bytes)
      bytes.append(contentsOf: mapKeyStart.utf8)
      bytes.append(contentsOf: head.mapKey.utf8)
      bytes.append(contentsOf: checksumStart.utf8)
      endLine()
    }

    mutating func append(_ kind: ChangeLog.Kind, _ key: Span<UInt8>, at time: UInt32) {
      bytes.append(kind.rawValue)
      bytes.append(UInt8(ascii: " "))
      Digits.append(time, to: &bytes)
      bytes.append(UInt8(ascii: " "))
      unsafe key.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
      bytes.append(UInt8(ascii: " "))
      endLine()
    }

    private mutating func endLine() {
      sum()
      Digits.appendHexadecimal(UInt64(checksum.value), count: checksumDigits, to: &bytes)
      bytes.append(UInt8(ascii: "\n"))
    }

    /// The bytes so far are written: makes room.
    mutating func removeBytes() {
      sum()
      bytes.removeAll(keepingCapacity: bytes.count < 4 << 20)
      summed = 0
    }

    private mutating func sum() {
      var sum = checksum
      sum.update(bytes.span.extracting(summed...))
      checksum = sum
      summed = bytes.count
    }
  }

  // MARK: Reading

  /// Checks lines, and keeps the checksum over all of them.
  struct Decoder {
    private var checksum = CRC32()

    /// Checks that the checksum at the end of `line`, which is without its line end, is that of all so far; what stands
    /// before it.
    mutating func checked(_ line: Span<UInt8>) throws(SnapshotFormat.BadLine) -> Range<Int> {
      guard line.count > checksumDigits else { throw .init(reason: "the line is cut off") }
      let end = line.count - checksumDigits
      checksum.update(line.extracting(..<end))
      guard Digits.hexadecimal(line, end..<line.count) == UInt64(checksum.value) else {
        throw .init(reason: "the checksum does not fit what is above it")
      }
      checksum.update(line.extracting(end...))
      checksum.update([UInt8(ascii: "\n")].span)
      return 0..<end
    }
  }

  /// What the first line of a segment says, without its checksum.
  static func parseHead(_ line: Span<UInt8>) throws(SnapshotFormat.BadLine) -> Head {
    let bad = SnapshotFormat.BadLine(reason: "the first line is not that of a journal of Relevo's")
    var position = 0
    func take(_ text: String) throws(SnapshotFormat.BadLine) {
      guard Digits.hasPrefix(line.extracting(position...), text) else { throw bad }
      position += text.utf8.count
    }
    func takeID() throws(SnapshotFormat.BadLine) -> UInt64 {
      guard position + 16 <= line.count, let id = Digits.hexadecimal(line, position..<position + 16) else {
        throw bad
      }
      position += 16
      return id
    }
    try take(headStart)
    guard let number = Digits.number(line, &position) else { throw bad }
    try take(idStart)
    let id = try takeID()
    try take(afterStart)
    let after = try takeID()
    try take(mapKeyStart)
    let start = position
    while position < line.count, SnapshotFormat.isInMapKey(line[position]) { position += 1 }
    let word = line.extracting(start..<position)
    let mapKey = unsafe word.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    try take(checksumStart)
    guard position == line.count, !mapKey.isEmpty else { throw bad }
    return Head(JournalPlace(mark: JournalMark(number: number, id: id), after: after), mapKey: mapKey)
  }

  /// What a line behind the first says, without its checksum.
  static func parseChange(_ line: Span<UInt8>, maxKeyBytes: Int) throws(SnapshotFormat.BadLine) -> Change {
    guard line.count > 2, let kind = ChangeLog.Kind(rawValue: line[0]), line[1] == UInt8(ascii: " ") else {
      throw .init(reason: "the line begins with neither `+ ` nor `- `")
    }
    var position = 2
    guard let time = Digits.number(line, &position), position < line.count,
      line[position] == UInt8(ascii: " ")
    else { throw .init(reason: "the time is not a number up to \(UInt32.max)") }
    let start = position + 1
    position = start
    while position < line.count, line[position] > 0x20, line[position] < 0x7F { position += 1 }
    guard position == line.count - 1, line[position] == UInt8(ascii: " "), position > start,
      line[start] != UInt8(ascii: "#")
    else { throw .init(reason: "there is no URL in it") }
    guard position - start <= maxKeyBytes else {
      throw .init(reason: "the URL is longer than \(maxKeyBytes) bytes")
    }
    return Change(kind: kind, time: time, key: start..<position)
  }
}
