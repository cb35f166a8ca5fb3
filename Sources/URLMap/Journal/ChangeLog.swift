/// What the writer has changed and the journal's file does not have yet: filled by whoever is the writer, taken by the
/// keeper's thread a moment later, both under the writer's lock.
///
/// Memory: chunks of 64 KiB, which go back and forth, and no more than `limitChunks` of them: a disk that stands still
/// costs 8 MiB. Past that, changes are counted as lost, and none is taken until a snapshot begins, which has them all.
struct ChangeLog {
  enum Kind: UInt8 {
    case learned = 0x2B  // +
    case forgotten = 0x2D  // -
  }

  static let chunkBytes = 64 << 10
  static let limitChunks = 128
  /// The keeper is woken when so many chunks are full, rather than at its next second.
  private static let urgentChunks = 16
  private static let keptSpares = 16
  private static let headBytes = 8

  private var current: [UInt8] = []
  private var full: [[UInt8]] = []
  private var spare: [[UInt8]] = []
  /// Who writes the journal; nil as long as there is none.
  private var keeper: Alarm?
  /// A change found no room: none is taken until a snapshot begins.
  private(set) var isFull = false
  /// Changes that found no room since the start.
  private(set) var lost: UInt64 = 0

  var isOn: Bool { keeper != nil }
  /// Whether it should be taken now rather than at the keeper's next turn.
  var isUrgent: Bool { full.count >= ChangeLog.urgentChunks }
  var isEmpty: Bool { current.isEmpty && full.isEmpty }

  mutating func turnOn(waking keeper: Alarm) {
    self.keeper = keeper
    current = ChangeLog.chunk()
  }

  /// Notes one change. Allocates nothing in the steady state, and never waits for the disk.
  mutating func append(_ kind: Kind, _ key: UnsafeRawBufferPointer, at now: UInt32) {
    guard let keeper else { return }
    guard !isFull else {
      lost += 1
      return
    }
    if current.count + ChangeLog.headBytes + key.count > ChangeLog.chunkBytes {
      guard full.count < ChangeLog.limitChunks - 1 else {
        isFull = true
        lost += 1
        keeper.ring()
        return
      }
      full.append(current)
      current = spare.popLast() ?? ChangeLog.chunk()
      if full.count % ChangeLog.urgentChunks == 0 { keeper.ring() }
    }
    let head = UInt64(now) | UInt64(key.count) << 32 | UInt64(kind.rawValue) << 56
    unsafe withUnsafeBytes(of: head.littleEndian) { unsafe current.append(contentsOf: $0) }
    unsafe current.append(contentsOf: key)
  }

  /// All that was noted, in chunks; those of the last time come back empty.
  mutating func take(givingBack emptied: consuming [[UInt8]]) -> [[UInt8]] {
    while spare.count < ChangeLog.keptSpares, var chunk = emptied.popLast() {
      chunk.removeAll(keepingCapacity: true)
      spare.append(chunk)
    }
    guard !isEmpty else { return [] }
    var taken = full
    full.removeAll(keepingCapacity: true)
    taken.append(current)
    current = spare.popLast() ?? ChangeLog.chunk()
    return taken
  }

  /// All that was noted, for another process: what was lost is lost.
  mutating func takeAll() -> [[UInt8]] {
    isFull = false
    return take(givingBack: [])
  }

  /// A snapshot begins, which will have what was lost.
  mutating func startAfresh() {
    isFull = false
    full.removeAll()
    current.removeAll(keepingCapacity: true)
  }

  private static func chunk() -> [UInt8] {
    var chunk: [UInt8] = []
    chunk.reserveCapacity(chunkBytes)
    return chunk
  }

  /// Calls `body` with each change of a chunk.
  static func forEachChange(in chunk: Span<UInt8>, _ body: (Kind, Span<UInt8>, UInt32) -> Void) {
    var position = 0
    while position + headBytes <= chunk.count {
      var head: UInt64 = 0
      for index in 0..<headBytes { head |= UInt64(chunk[position + index]) << UInt64(8 * index) }
      position += headBytes
      let end = position + Int(head >> 32 & 0xFF_FFFF)
      guard end <= chunk.count, let kind = Kind(rawValue: UInt8(head >> 56)) else { return }
      body(kind, chunk.extracting(position..<end), UInt32(truncatingIfNeeded: head))
      position = end
    }
  }
}
