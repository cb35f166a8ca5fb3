/// CRC-32C (Castagnoli, reflected, as in iSCSI and SCTP). For a few bytes a connection.
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
  }

  /// The checksum of the bytes, those in `zeros` taken for zeros.
  static func checksum(_ bytes: Span<UInt8>, withZerosIn zeros: Range<Int>) -> UInt32 {
    var state: UInt32 = 0xFFFF_FFFF
    for index in bytes.indices {
      let byte = zeros.contains(index) ? 0 : bytes[index]
      state = state >> 8 ^ table[Int(UInt8(truncatingIfNeeded: state) ^ byte)]
    }
    return ~state
  }
}
