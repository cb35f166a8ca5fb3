import Glibc
import Synchronization

/// URLs that both sites missed a moment ago, so that a scanner's second round costs the old server nothing. One for all
/// workers: a client's next connection may be another worker's.
///
/// ```
///   a set: 16 places, 128 bytes          a place: one word, 0 when it is free
///   ┌──────┬──────┬──────┬───────┐       ┌─────────────────────────┬────────────────┐
///   │      │      │      │  ...  │       │ 40 bits of the URL's    │ 24 bits: when  │
///   └──────┴──────┴──────┴───────┘       │ hash, never all 0       │ it ends        │
///                                        └─────────────────────────┴────────────────┘
/// ```
/// The hash is keyed with the process's random seed, so that nobody outside can choose what collides; the chance that a
/// URL is taken for another one is 16 in 2⁴⁰. Ends are counted in ticks of 16 ms, which come round after 74 hours.
/// Places are read and written whole and each on its own. When two workers write one at the same time, or a set is
/// full, a URL is forgotten early, which costs one request.
@safe
final class MissMemory: @unchecked Sendable {
  private static let ways = 16
  private static let endBits: UInt64 = 24
  private static let endMask: UInt64 = 1 << endBits - 1
  private static let tickMs: UInt64 = 16
  private static let longestMs: UInt64 = 24 * 3_600_000

  private let count: Int
  private let lifetimeMs: UInt64
  /// 0: nothing is remembered.
  private let lifetimeTicks: UInt64
  private let setCount: Int
  /// Owned, given back in `deinit`. The system makes its pages, zeroed, when they are first written to.
  private let places: UnsafeMutablePointer<Atomic<UInt64>>

  /// Stops the process if the system has no addresses left for the places.
  ///
  /// - Parameters:
  ///   - count: URLs that there is room for, of 8 bytes each; rounded down to a multiple of 16, 16 at least.
  ///   - lifetimeMs: how long a miss is remembered, at most 24 hours; 0 remembers none.
  init(count: Int, lifetimeMs: UInt64) {
    self.count = count
    self.lifetimeMs = lifetimeMs
    lifetimeTicks = (min(lifetimeMs, Self.longestMs) + Self.tickMs - 1) / Self.tickMs
    setCount = lifetimeMs == 0 ? 1 : max(1, count / Self.ways)
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    let memory = unsafe mmap(nil, setCount * Self.ways * 8, PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
      preconditionFailure("no memory is left for --miss-memory")
    }
    // Zeros are atomics that hold 0, and nothing has to be destroyed.
    unsafe places = memory.assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// The memory there is, if it is of this kind; else a new one, which is empty.
  static func following(_ former: MissMemory?, count: Int, lifetimeMs: UInt64) -> MissMemory {
    if let former, former.count == count, former.lifetimeMs == lifetimeMs { return former }
    return MissMemory(count: count, lifetimeMs: lifetimeMs)
  }

  deinit {
    _ = unsafe munmap(places, setCount * Self.ways * 8)
  }

  /// A fingerprint of a URL, as the request spells it: see ``KeyScheme/spelling(of:host:writingInto:)``.
  static func fingerprint(of spelling: RawSpan, isRead: Bool) -> UInt64 {
    var hasher = Hasher()
    unsafe spelling.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    hasher.combine(isRead)
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }

  func contains(_ fingerprint: UInt64, nowMs: UInt64) -> Bool {
    if lifetimeTicks == 0 { return false }
    let tag = Self.tag(of: fingerprint)
    for place in placesOfSet(of: fingerprint) {
      let entry = load(place)
      if entry & ~Self.endMask == tag { return ticksLeft(entry, Self.tick(nowMs)) > 0 }
    }
    return false
  }

  func insert(_ fingerprint: UInt64, nowMs: UInt64) {
    if lifetimeTicks == 0 { return }
    let (tag, now) = (Self.tag(of: fingerprint), Self.tick(nowMs))
    let set = placesOfSet(of: fingerprint)
    var chosen = set.lowerBound
    var fewestTicks = UInt64.max
    for place in set {
      let entry = load(place)
      if entry & ~Self.endMask == tag {
        chosen = place
        break
      }
      let left = entry == 0 ? 0 : ticksLeft(entry, now)
      if left < fewestTicks { (chosen, fewestTicks) = (place, left) }
    }
    unsafe places[chosen].store(tag | (now &+ lifetimeTicks) & Self.endMask, ordering: .relaxed)
  }

  /// How long an entry has to live; 0 when its end is past.
  private func ticksLeft(_ entry: UInt64, _ now: UInt64) -> UInt64 {
    let left = (entry &- now) & Self.endMask
    return left <= lifetimeTicks ? left : 0
  }

  private func load(_ place: Int) -> UInt64 {
    unsafe places[place].load(ordering: .relaxed)
  }

  private static func tick(_ nowMs: UInt64) -> UInt64 { nowMs / tickMs }

  /// The upper bits of the hash in their place; never 0.
  private static func tag(of fingerprint: UInt64) -> UInt64 {
    max(fingerprint & ~endMask, 1 << endBits)
  }

  /// The set follows from the product's upper half: of all bits, the tag's among them.
  private func placesOfSet(of fingerprint: UInt64) -> Range<Int> {
    let set = Int((fingerprint &* 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: UInt64(setCount)).high)
    return set * Self.ways..<(set + 1) * Self.ways
  }
}
