/// Version 2 of the PROXY protocol.
///
///     signature        12   \r \n \r \n \0 \r \n Q U I T \n
///     version, command  1   0x20 LOCAL, 0x21 PROXY
///     family, transport 1   0x11 TCP over IPv4 …
///     length            2   of what follows
///     addresses             source, destination, their ports
///     TLVs                  type 1, length 2, value
enum BinaryProxyHeader {
  static let signature: [UInt8] = [
    0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
  ]
  private static let fixedBytes = 16

  static func read(_ bytes: Span<UInt8>) throws(ProxyHeaderStop) -> ProxyHeader {
    for index in signature.indices {
      guard index < bytes.count else { throw .outOfBytes }
      guard bytes[index] == signature[index] else { throw .malformed(.notThere) }
    }
    guard bytes.count > 12 else { throw .outOfBytes }
    guard bytes[12] >> 4 == 2 else { throw .malformed(.badVersion) }
    guard bytes.count >= fixedBytes else { throw .outOfBytes }
    let byteCount = fixedBytes + number(bytes, at: 14)
    guard byteCount <= ProxyHeader.maxBytes else { throw .malformed(.tooLong) }
    guard bytes.count >= byteCount else { throw .outOfBytes }
    let header = bytes.extracting(0..<byteCount)
    switch bytes[12] & 0x0F {
    // The sender speaks for itself; nothing of the rest counts.
    case 0: return ProxyHeader(byteCount: byteCount, source: nil, isTLS: false)
    case 1: return try readProxied(header)
    default: throw .malformed(.badCommand)
    }
  }

  private static func readProxied(_ header: Span<UInt8>) throws(ProxyHeaderStop) -> ProxyHeader {
    let (family, transport) = (header[13] >> 4, header[13] & 0x0F)
    guard family <= 3, transport <= 2 else { throw .malformed(.badFamily) }
    // Without a family there may still be an address, of a length that nobody knows.
    guard family > 0, transport > 0 else {
      return ProxyHeader(byteCount: header.count, source: nil, isTLS: false)
    }
    let addressEnd = fixedBytes + [12, 36, 216][Int(family) - 1]
    guard header.count >= addressEnd else { throw .malformed(.truncatedAddress) }
    let isTLS = try readTLVs(header, from: addressEnd)
    let source: PeerAddress?
    switch (family, transport) {
    case (1, 1): source = IPAddress(networkOrder: header.extracting(16..<20)).map { .ip($0) }
    case (2, 1): source = IPAddress(networkOrder: header.extracting(16..<32)).map { .ip($0) }
    case (3, 1): source = .unix
    // Whoever speaks HTTP/1 here does not do so in datagrams.
    default: source = nil
    }
    return ProxyHeader(byteCount: header.count, source: source, isTLS: isTLS)
  }

  /// Checks the checksum if there is one.
  ///
  /// - Returns: whether the client speaks TLS with the sender.
  private static func readTLVs(_ header: Span<UInt8>, from start: Int) throws(ProxyHeaderStop) -> Bool {
    var isTLS = false
    var offset = start
    while offset < header.count {
      guard header.count - offset >= 3 else { throw .malformed(.truncatedTLV) }
      let (type, value) = (header[offset], offset + 3)
      let end = value + number(header, at: offset + 1)
      guard end <= header.count else { throw .malformed(.truncatedTLV) }
      switch type {
      case 0x03:
        guard end - value == 4 else { throw .malformed(.badChecksum) }
        let sum = UInt32(number(header, at: value)) << 16 | UInt32(number(header, at: value + 2))
        guard sum == CRC32C.checksum(header, withZerosIn: value..<end) else { throw .malformed(.badChecksum) }
      case 0x20:
        // The first byte of PP2_TYPE_SSL, and its first bit.
        isTLS = isTLS || (end > value && header[value] & 1 == 1)
      default: break
      }
      offset = end
    }
    return isTLS
  }

  /// Two bytes in network order.
  private static func number(_ bytes: Span<UInt8>, at offset: Int) -> Int {
    Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
  }
}
