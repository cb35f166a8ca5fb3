@testable import Addressing

extension ProxyHeader {
  static func parse(_ bytes: [UInt8]) -> ProxyHeaderParse { parse(bytes.span) }
  static func parse(_ text: String) -> ProxyHeaderParse { parse(Array(text.utf8)) }
}

extension IPAddress {
  init?(_ text: [UInt8]) { self.init(text.span) }
  init?(networkOrder bytes: [UInt8]) { self.init(networkOrder: bytes.span) }
}

extension CRC32C {
  static func checksum(_ bytes: [UInt8], withZerosIn zeros: Range<Int> = 0..<0) -> UInt32 {
    checksum(bytes.span, withZerosIn: zeros)
  }
}

extension PeerAddress {
  /// The address that a text names; a test that names none is wrong.
  static func ip(_ text: String) -> PeerAddress? { IPAddress(text).map { .ip($0) } }
}

/// Numbers that look random and are the same each time (SplitMix64).
struct Randomness: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
