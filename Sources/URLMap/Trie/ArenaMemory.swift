import Glibc
import Synchronization

/// The memory that a map's nodes live in: one stretch of reserved addresses of which more and more is made
/// usable. It never moves, so a reader may follow a reference while the writer lets it grow.
///
/// Places in it are named by references (``NodeRef``). The first bytes hold what all threads share:
/// ```
///   byte 0     the reference of the root node (atomic)
///   byte 64    the epoch (atomic, see ReaderRegistry)
///   byte 128   nodes and free cells
/// ```
/// Whoever holds a reference to this object may read; only the writer (see `Allocator`) hands out cells and
/// makes more of them usable. The addresses are given back when the last holder lets go.
@safe
final class ArenaMemory: @unchecked Sendable {
  static let unitBytes = 4
  /// A line of the processor's cache.
  static let lineBytes = 64
  static let headerBytes = 128
  /// How much is made usable at a time: the size of a huge page, which it is aligned to.
  static let stepBytes = 2 << 20

  let base: UnsafeMutableRawPointer
  let reservedBytes: Int
  private let mapping: UnsafeMutableRawPointer
  private let mappingBytes: Int

  /// Reserves addresses for `bytes`, or for half as often as the process's own limits ask for.
  init(reserving bytes: Int) {
    let step = ArenaMemory.stepBytes
    var wanted = max(step, (min(bytes, NodeRef.largestBytes) + step - 1) / step * step)
    while true {
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
      let got = unsafe mmap(nil, wanted + step, PROT_NONE, flags, -1, 0)
      if let got = unsafe got, unsafe got != MAP_FAILED {
        unsafe mapping = got
        mappingBytes = wanted + step
        unsafe base = got.alignedUp(toMultipleOf: step)
        reservedBytes = wanted
        break
      }
      precondition(wanted > step, "not even 4 MiB of addresses are left for the URL map")
      wanted = max(step, wanted / 2 / step * step)
    }
    // Fewer misses of the address cache at large sizes; where the kernel declines, nothing else changes.
    _ = unsafe madvise(base, reservedBytes, MADV_HUGEPAGE)
    precondition(makeUsable(from: 0, to: step), "not even 2 MiB of memory are left for the URL map")
  }

  deinit {
    _ = unsafe munmap(mapping, mappingBytes)
  }

  /// Writer only. Both ends are multiples of the step and inside what is reserved. False when the system has
  /// no memory left.
  func makeUsable(from start: Int, to end: Int) -> Bool {
    unsafe mprotect(base + start, end - start, PROT_READ | PROT_WRITE) == 0
  }

  /// Writer only: has the system put memory there now, and not at the first use. Where it can't, nothing else changes.
  func populate(from start: Int, to end: Int) {
    _ = unsafe madvise(base + start, end - start, MADV_POPULATE_WRITE)
  }

  /// The reference to the root node.
  @inline(__always)
  var root: Slot {
    unsafe Slot(base)
  }

  /// The epoch, which only the writer advances.
  @inline(__always)
  var epoch: UnsafeMutablePointer<Atomic<UInt64>> {
    unsafe (base + 64).assumingMemoryBound(to: Atomic<UInt64>.self)
  }
}

/// A place that holds the reference of a node and that readers follow while the writer may replace it.
///
/// Safe to use as long as the memory that it points into is held: by the arena's owner for the root, by an
/// epoch that is pinned (readers) or by being the writer for all others.
@safe
struct Slot {
  private let pointer: UnsafeMutablePointer<Atomic<UInt32>>

  @inline(__always)
  init(_ address: UnsafeMutableRawPointer) {
    unsafe pointer = address.assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  /// What is published here, and with it all that was written into that node before.
  @inline(__always)
  func load() -> NodeRef {
    unsafe NodeRef(bits: pointer.pointee.load(ordering: .acquiring))
  }

  /// Writer only: publishes a node that is complete.
  @inline(__always)
  func publish(_ ref: NodeRef) {
    unsafe pointer.pointee.store(ref.bits, ordering: .releasing)
  }
}
