/// URLs that both sites missed a moment ago, so that a scanner's second round costs the old server nothing.
///
/// A fixed table of 64-bit fingerprints, four to a set, keyed with the process's random seed so that nobody
/// outside can choose what collides. Forgetting one early only costs a request. One per worker.
struct MissMemory {
  private static let setCount = 8192
  private static let ways = 4
  private let lifetimeMs: UInt64
  /// Empty until the first miss; a fingerprint of 0 marks a free place.
  private var fingerprints: [UInt64] = []
  private var expiriesMs: [UInt64] = []

  /// - Parameter lifetimeMs: how long a miss is remembered; 0 remembers none.
  init(lifetimeMs: UInt64) {
    self.lifetimeMs = lifetimeMs
  }

  /// A fingerprint of a URL; never 0.
  static func fingerprint(of key: RawSpan, isRead: Bool) -> UInt64 {
    var hasher = Hasher()
    unsafe key.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    hasher.combine(isRead)
    return max(1, UInt64(bitPattern: Int64(hasher.finalize())))
  }

  func contains(_ fingerprint: UInt64, nowMs: UInt64) -> Bool {
    if fingerprints.isEmpty { return false }
    let first = Self.firstPlace(of: fingerprint)
    for place in first..<first + Self.ways where fingerprints[place] == fingerprint {
      return expiriesMs[place] > nowMs
    }
    return false
  }

  mutating func insert(_ fingerprint: UInt64, nowMs: UInt64) {
    if lifetimeMs == 0 { return }
    if fingerprints.isEmpty {
      fingerprints = Array(repeating: 0, count: Self.setCount * Self.ways)
      expiriesMs = fingerprints
    }
    let first = Self.firstPlace(of: fingerprint)
    var chosen = first
    for place in first..<first + Self.ways {
      if fingerprints[place] == fingerprint {
        chosen = place
        break
      }
      if expiriesMs[place] < expiriesMs[chosen] { chosen = place }
    }
    fingerprints[chosen] = fingerprint
    expiriesMs[chosen] = nowMs &+ lifetimeMs
  }

  private static func firstPlace(of fingerprint: UInt64) -> Int {
    Int(truncatingIfNeeded: fingerprint % UInt64(setCount)) * ways
  }
}
