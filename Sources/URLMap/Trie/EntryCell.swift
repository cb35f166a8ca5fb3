import Synchronization

/// What is known of one URL, where it lies in the arena: three numbers of 32 bits that readers count in place.
///
/// Safe to use while the node around it is held: by a pinned epoch (readers) or by being the writer.
@safe
struct EntryCell {
  static let bytes = 12

  private let address: UnsafeMutableRawPointer

  /// - Parameter address: aligned to four bytes.
  @inline(__always)
  init(_ address: UnsafeMutableRawPointer) {
    unsafe self.address = address
  }

  @inline(__always)
  private func field(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    unsafe (address + index &* 4).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  /// Each number is whole; the three may be of different instants.
  @inline(__always)
  var entry: MapEntry {
    unsafe MapEntry(
      learnedAt: field(0).pointee.load(ordering: .relaxed),
      lastUsedAt: field(1).pointee.load(ordering: .relaxed),
      hits: field(2).pointee.load(ordering: .relaxed))
  }

  /// From any thread. A load and a store instead of one locked addition: a visit that another thread counts
  /// in the same instant may be lost, and threads that read the same page do not wait for each other.
  @inline(__always)
  func countVisits(_ count: UInt32, at now: UInt32) {
    let hits = unsafe field(2).pointee.load(ordering: .relaxed)
    if hits != .max {
      let (sum, overflow) = hits.addingReportingOverflow(count)
      unsafe field(2).pointee.store(overflow ? .max : sum, ordering: .relaxed)
    }
    // A page visited a thousand times a second is written for its time once.
    if unsafe field(1).pointee.load(ordering: .relaxed) != now {
      unsafe field(1).pointee.store(now, ordering: .relaxed)
    }
  }

  /// Writer only.
  func renew(learnedAt now: UInt32) {
    unsafe field(0).pointee.store(now, ordering: .relaxed)
  }

  /// Writer only: the later times and the sum of the visits hold.
  func merge(_ other: MapEntry) {
    let own = entry
    countVisits(other.hits, at: max(own.lastUsedAt, other.lastUsedAt))
    renew(learnedAt: max(own.learnedAt, other.learnedAt))
  }

  /// Before the node around it is published.
  @inline(__always)
  func start(_ entry: MapEntry) {
    unsafe address.storeBytes(of: entry.learnedAt, as: UInt32.self)
    unsafe address.storeBytes(of: entry.lastUsedAt, toByteOffset: 4, as: UInt32.self)
    unsafe address.storeBytes(of: entry.hits, toByteOffset: 8, as: UInt32.self)
  }
}
