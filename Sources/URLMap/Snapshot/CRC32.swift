/// CRC-32 (IEEE 802.3, reflected, as in gzip and zlib), eight bytes a step.
struct CRC32 {
  /// `tables[k][b]`: what byte `b` contributes when `k` more bytes follow it; flat, 256 a table.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var value = UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
      tables[byte] = value
    }
    for index in 256..<tables.count {
      let shorter = tables[index - 256]
      tables[index] = shorter >> 8 ^ tables[Int(shorter & 0xFF)]
    }
    return tables
  }()

  private var state: UInt32 = 0xFFFF_FFFF

  /// The checksum of all bytes so far.
  var value: UInt32 { ~state }

  mutating func update(_ bytes: Span<UInt8>) {
    var crc = state
    let tables = CRC32.tables.span
    var index = 0
    while index + 8 <= bytes.count {
      let b0 = Int(bytes[index] ^ UInt8(truncatingIfNeeded: crc))
      let b1 = Int(bytes[index + 1] ^ UInt8(truncatingIfNeeded: crc >> 8))
      let b2 = Int(bytes[index + 2] ^ UInt8(truncatingIfNeeded: crc >> 16))
      let b3 = Int(bytes[index + 3] ^ UInt8(truncatingIfNeeded: crc >> 24))
      let first = tables[7 * 256 + b0] ^ tables[6 * 256 + b1] ^ tables[5 * 256 + b2] ^ tables[4 * 256 + b3]
      let second =
        tables[3 * 256 + Int(bytes[index + 4])] ^ tables[2 * 256 + Int(bytes[index + 5])]
        ^ tables[256 + Int(bytes[index + 6])] ^ tables[Int(bytes[index + 7])]
      crc = first ^ second
      index += 8
    }
    while index < bytes.count {
      crc = crc >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[index])]
      index += 1
    }
    state = crc
  }
}
