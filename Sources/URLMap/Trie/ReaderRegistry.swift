import Synchronization

/// Who may be reading, so that the writer knows when a node that it has unlinked is out of everyone's hands.
///
/// A reader *pins* the epoch while it walks the trie and unpins when it has its answer: two stores to a cache
/// line of its own. The writer unlinks nodes, advances the epoch, and gives their cells back once no reader is
/// pinned to the old one. A thread that sleeps between two look-ups is not pinned and holds up nothing.
///
/// Why it holds: pinning stores the slot and then loads the epoch; advancing stores the epoch and then loads the
/// slots; all four are sequentially consistent. So either the writer sees the pin, or the reader's load sees the
/// new epoch and, with it, everything the writer published before: then it cannot find what was unlinked.
final class ReaderRegistry: Sendable {
  private struct Slots {
    var all: [ReaderSlot] = []
    var unused: [ReaderSlot] = []
  }
  private let slots = Locked(Slots())

  /// A slot for one thread, until it is given back. From any thread.
  func takeSlot() -> ReaderSlot {
    slots.withLock { slots in
      if let slot = slots.unused.popLast() { return slot }
      let slot = ReaderSlot()
      slots.all.append(slot)
      return slot
    }
  }

  func giveBack(_ slot: ReaderSlot) {
    slots.withLock { $0.unused.append(slot) }
  }

  /// Whether every reader that is pinned was pinned after the epoch passed `epoch`.
  func allHaveLeft(_ epoch: UInt64) -> Bool {
    slots.withLock { slots in
      slots.all.allSatisfy { slot in
        let pinned = slot.pinnedEpoch
        return pinned == 0 || pinned > epoch
      }
    }
  }

  /// Visits counted by all readers so far.
  var visits: UInt64 {
    slots.withLock { slots in
      slots.all.reduce(0) { $0 &+ $1.visits }
    }
  }
}

/// One reader's cache lines: the epoch it is pinned to (0: none) and the visits that it has counted.
/// Written by the thread that holds it, read by the writer.
@safe
final class ReaderSlot: @unchecked Sendable {
  // Two lines: processors fetch them in pairs.
  private static let bytes = 128
  private let memory: UnsafeMutableRawPointer

  init() {
    unsafe memory = .allocate(byteCount: ReaderSlot.bytes, alignment: ReaderSlot.bytes)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: ReaderSlot.bytes)
  }

  deinit {
    unsafe memory.deallocate()
  }

  @inline(__always)
  private var pin: UnsafeMutablePointer<Atomic<UInt64>> {
    unsafe memory.assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  @inline(__always)
  private var visitCount: UnsafeMutablePointer<Atomic<UInt64>> {
    unsafe (memory + 8).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  @inline(__always)
  func enter(_ memory: ArenaMemory) {
    let epoch = unsafe memory.epoch
    unsafe pin.pointee.store(epoch.pointee.load(ordering: .relaxed), ordering: .sequentiallyConsistent)
    _ = unsafe epoch.pointee.load(ordering: .sequentiallyConsistent)
  }

  @inline(__always)
  func leave() {
    unsafe pin.pointee.store(0, ordering: .releasing)
  }

  @inline(__always)
  func countVisit() {
    let count = unsafe visitCount.pointee.load(ordering: .relaxed)
    unsafe visitCount.pointee.store(count &+ 1, ordering: .relaxed)
  }

  var pinnedEpoch: UInt64 {
    unsafe pin.pointee.load(ordering: .sequentiallyConsistent)
  }

  var visits: UInt64 {
    unsafe visitCount.pointee.load(ordering: .relaxed)
  }
}
