import Synchronization

/// The changes that wait for the writer: a ring of 64-byte cells which any number of threads fill and one thread
/// empties. No side waits for the other.
///
/// ```
///   word 0 of a record's first cell: 0 until the record is whole, then kind and length (atomic)
///   ┌────────┬─────┬──────────────── key ───────────────┬──────── key, continued … ─────┐
///   │ header │ now │ 56 bytes                           │ 64 bytes a cell               │
///   └────────┴─────┴────────────────────────────────────┴───────────────────────────────┘
/// ```
/// A producer claims cells by moving `tail`, writes the key, and then the header, which hands the record over.
/// The consumer reads records in the order of their claims, sets the first word of each of their cells to 0 again,
/// and moves `head`, which hands the cells back. A record never goes round the end of the ring: the cells left
/// there are claimed along with it and marked as filling.
@safe
final class ChangeQueue: @unchecked Sendable {
  enum Kind: UInt32 {
    case learn = 1
    case forget = 2
    case filling = 3
  }

  private static let cellBytes = 64
  private static let headBytes = 8

  private let cells: UnsafeMutableRawPointer
  private let cellCount: UInt64
  private let tail = Atomic<UInt64>(0)
  // The producers' counter and the consumer's on cache lines of their own.
  private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)
  private let head = Atomic<UInt64>(0)

  /// Room for `changes` records of up to 56 bytes of key, at least for two of the longest, rounded up to a power
  /// of two.
  init(changes: Int, longestKey: Int) {
    let longest = ChangeQueue.cellsFor(longestKey)
    let wanted = max(changes, 2 * Int(longest), 1)
    var count = 1
    while count < wanted { count <<= 1 }
    cellCount = UInt64(count)
    unsafe cells = .allocate(byteCount: count * ChangeQueue.cellBytes, alignment: ChangeQueue.cellBytes)
    for index in 0..<count {
      unsafe cells.storeBytes(of: 0, toByteOffset: index * ChangeQueue.cellBytes, as: UInt32.self)
    }
  }

  deinit {
    unsafe cells.deallocate()
  }

  /// From any thread: copies the change in. False when there is no room.
  func push(_ kind: Kind, _ key: RawSpan, at now: UInt32) -> Bool {
    let needed = ChangeQueue.cellsFor(key.byteCount)
    var claimed = tail.load(ordering: .relaxed)
    while true {
      let toEnd = cellCount - claimed & (cellCount - 1)
      let filling = toEnd < needed ? toEnd : 0
      let end = claimed + filling + needed
      guard end - head.load(ordering: .acquiring) <= cellCount else { return false }
      let (exchanged, original) = tail.compareExchange(
        expected: claimed, desired: end, ordering: .acquiringAndReleasing)
      guard exchanged else {
        claimed = original
        continue
      }
      if filling > 0 {
        unsafe header(claimed).pointee.store(
          ChangeQueue.header(.filling, Int(filling)), ordering: .releasing)
      }
      let start = claimed + filling
      let cell = unsafe cell(start)
      unsafe cell.storeBytes(of: now, toByteOffset: 4, as: UInt32.self)
      unsafe key.withUnsafeBytes { bytes in
        if let source = bytes.baseAddress {
          unsafe (cell + ChangeQueue.headBytes).copyMemory(from: source, byteCount: bytes.count)
        }
      }
      // Sequentially consistent: pairs with the writer's look into the queue before it sleeps.
      unsafe header(start).pointee.store(
        ChangeQueue.header(kind, key.byteCount), ordering: .sequentiallyConsistent)
      return true
    }
  }

  /// The consumer only: passes the oldest change to `body` and takes it out when that returns. False when none is
  /// ready.
  func popFirst(_ body: (Kind, UnsafeRawBufferPointer, UInt32) -> Void) -> Bool {
    var position = head.load(ordering: .relaxed)
    while true {
      let word = unsafe header(position).pointee.load(ordering: .sequentiallyConsistent)
      guard word != 0, let kind = Kind(rawValue: word >> 24) else { return false }
      let length = Int(word & 0xFF_FFFF)
      if kind == .filling {
        unsafe header(position).pointee.store(0, ordering: .relaxed)
        position += UInt64(length)
        head.store(position, ordering: .releasing)
        continue
      }
      let cell = unsafe cell(position)
      let now = unsafe cell.load(fromByteOffset: 4, as: UInt32.self)
      unsafe body(kind, UnsafeRawBufferPointer(start: cell + ChangeQueue.headBytes, count: length), now)
      let end = position + ChangeQueue.cellsFor(length)
      while position < end {
        unsafe header(position).pointee.store(0, ordering: .relaxed)
        position += 1
      }
      head.store(end, ordering: .releasing)
      return true
    }
  }

  /// Whether a change is ready; for the consumer, before it sleeps.
  var hasChange: Bool {
    unsafe header(head.load(ordering: .relaxed)).pointee.load(ordering: .sequentiallyConsistent) != 0
  }

  /// The end of what was claimed so far: once `isTaken` up to there, all that was pushed before is applied.
  var end: UInt64 { tail.load(ordering: .sequentiallyConsistent) }

  func isTaken(upTo end: UInt64) -> Bool { head.load(ordering: .acquiring) >= end }

  @inline(__always)
  private func cell(_ position: UInt64) -> UnsafeMutableRawPointer {
    unsafe cells + Int(position & (cellCount - 1)) * ChangeQueue.cellBytes
  }

  @inline(__always)
  private func header(_ position: UInt64) -> UnsafeMutablePointer<Atomic<UInt32>> {
    unsafe cell(position).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  private static func header(_ kind: Kind, _ length: Int) -> UInt32 {
    kind.rawValue << 24 | UInt32(truncatingIfNeeded: length)
  }

  private static func cellsFor(_ keyLength: Int) -> UInt64 {
    UInt64((headBytes + keyLength + cellBytes - 1) / cellBytes)
  }
}
