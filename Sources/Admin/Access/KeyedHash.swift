import Glibc

/// SipHash-2-4 (Aumasson and Bernstein, 2012) under a key of this process, twice: 128 bits that say whether two texts are
/// the same and nothing else about them.
struct KeyedHash: Sendable {
  struct Value: Hashable, Sendable {
    let first: UInt64
    let second: UInt64
  }

  private let keys: [UInt64]

  /// - Parameter keys: four words; by default of the system's random numbers.
  init(keys: [UInt64]? = nil) {
    var generator = SystemRandomNumberGenerator()
    self.keys = keys ?? (0..<4).map { _ in generator.next() }
  }

  func hash(_ bytes: [UInt8]) -> Value {
    Value(
      first: Self.sipHash(bytes, keys[0], keys[1]), second: Self.sipHash(bytes, keys[2], keys[3]))
  }

  static func sipHash(_ bytes: [UInt8], _ k0: UInt64, _ k1: UInt64) -> UInt64 {
    var v0 = k0 ^ 0x736F_6D65_7073_6575
    var v1 = k1 ^ 0x646F_7261_6E64_6F6D
    var v2 = k0 ^ 0x6C79_6765_6E65_7261
    var v3 = k1 ^ 0x7465_6462_7974_6573
    func round() {
      v0 &+= v1
      v1 = (v1 << 13 | v1 >> 51) ^ v0
      v0 = v0 << 32 | v0 >> 32
      v2 &+= v3
      v3 = (v3 << 16 | v3 >> 48) ^ v2
      v0 &+= v3
      v3 = (v3 << 21 | v3 >> 43) ^ v0
      v2 &+= v1
      v1 = (v1 << 17 | v1 >> 47) ^ v2
      v2 = v2 << 32 | v2 >> 32
    }
    func take(_ word: UInt64) {
      v3 ^= word
      round()
      round()
      v0 ^= word
    }
    var word: UInt64 = 0
    for (index, byte) in bytes.enumerated() {
      word |= UInt64(byte) << UInt64(index % 8 * 8)
      if index % 8 == 7 {
        take(word)
        word = 0
      }
    }
    take(word | UInt64(truncatingIfNeeded: bytes.count) << 56)
    v2 ^= 0xFF
    for _ in 0..<4 { round() }
    return v0 ^ v1 ^ v2 ^ v3
  }
}
