import HTTP1
import Synchronization

/// Names of cookies, seen by one worker and known to all. Any thread; nothing waits.
///
/// ```
///   a set: 8 places, 64 bytes          a place: one word, 0 when it is free
///   ┌──────┬──────┬───────┐            ┌─────────────────────┐
///   │      │      │  ...  │            │ a hash of the name  │
///   └──────┴──────┴───────┘            └─────────────────────┘
/// ```
/// The hash is keyed with the process's random seed. Sites set some dozens of cookies; where an application makes up names
/// without end, those in a full set make room in turn.
@safe
final class CookieNames: @unchecked Sendable {
  private static let ways = 8
  private static let sets = 128
  /// Names that there is room for.
  static let capacity = ways * sets

  /// Owned, given back in `deinit`.
  private let places: UnsafeMutablePointer<Atomic<UInt64>>

  init() {
    unsafe places = .allocate(capacity: Self.capacity)
    for place in 0..<Self.capacity { unsafe (places + place).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe places.deinitialize(count: Self.capacity)
    unsafe places.deallocate()
  }

  func contains(_ name: RawSpan) -> Bool {
    let hash = Self.hash(name)
    return Self.set(of: hash).contains { load($0) == hash }
  }

  /// Writes only when the name is not there, so that the workers share what they read.
  func insert(_ name: RawSpan) {
    let hash = Self.hash(name)
    let set = Self.set(of: hash)
    var free: Int?
    for place in set {
      let present = load(place)
      if present == hash { return }
      if present == 0, free == nil { free = place }
    }
    // The lowest bits have not chosen the set.
    let place = free ?? set.lowerBound + Int(hash & UInt64(Self.ways - 1))
    unsafe places[place].store(hash, ordering: .relaxed)
  }

  private func load(_ place: Int) -> UInt64 { unsafe places[place].load(ordering: .relaxed) }

  private static func hash(_ name: RawSpan) -> UInt64 {
    var hasher = Hasher()
    unsafe name.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    return max(1, UInt64(bitPattern: Int64(hasher.finalize())))
  }

  private static func set(of hash: UInt64) -> Range<Int> {
    let set = Int(hash >> 32) & (sets - 1)
    return set * ways..<(set + 1) * ways
  }
}
