/// When a known URL is old enough to be asked of the new site once more.
///
/// URLs that were learned together (a crawl, an import) must not all be asked together a day later, so each has an age
/// of its own between three and five quarters of the one that was set. It follows from the URL alone: there is no
/// state, and a restart changes nothing.
public struct RecheckAge: Sendable, Equatable {
  /// The mean, in seconds.
  private let meanSeconds: UInt64

  /// - Parameter meanSeconds: 0 means that every visit asks the new site first.
  public init(meanSeconds: UInt32) {
    self.meanSeconds = UInt64(meanSeconds)
  }

  /// Whether the next visit of `key` asks the new site first. Linear in the key's bytes when the age is near its
  /// limit, else constant.
  ///
  /// - Parameter now: seconds since 1970.
  public func isDue(_ entry: MapEntry, key: RawSpan, at now: UInt32) -> Bool {
    // Learned in the future (a clock set back): not old.
    guard now >= entry.learnedAt else { return false }
    let age = UInt64(now - entry.learnedAt)
    if age * 4 >= meanSeconds * 5 { return true }
    if age * 4 < meanSeconds * 3 { return false }
    return age >= seconds(of: key)
  }

  /// The age in seconds from which on `key` is due. O(bytes of the key).
  public func seconds(of key: RawSpan) -> UInt64 {
    // The factor in units of 2⁻³⁰: three quarters, and up to a half more. It has 31 bits and the mean has 32.
    let factor = 3 << 28 + (Self.hash(key) >> 35)
    return (meanSeconds * factor + (1 << 30 - 1)) >> 30
  }

  /// FNV-1a, finished by a multiplication so that the upper bits depend on the last bytes too.
  private static func hash(_ key: RawSpan) -> UInt64 {
    let sum = unsafe key.withUnsafeBytes { bytes in
      unsafe bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
    return (sum ^ (sum >> 32)) &* 0x9E37_79B9_7F4A_7C15
  }
}
