/// A block of addresses: those that begin with the same bits (RFC 4632, CIDR).
public struct IPPrefix: Sendable, Hashable, CustomStringConvertible {
  /// The lowest address of the block.
  public let address: IPAddress
  /// How many bits of it count: at most 32 for IPv4, 128 for IPv6.
  public let bitCount: Int

  /// Reads `192.0.2.0/24`, `2001:db8::/32`, or a single address.
  ///
  /// - Throws: ``IPPrefixError`` saying what would be right.
  public init(_ text: String) throws(IPPrefixError) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPAddress(String(first)) else { throw .noAddress }
    let most = address.family.bitCount
    var bitCount = most
    if parts.count == 2 {
      guard parts[1].utf8.allSatisfy({ $0.decimalDigit != nil }), let number = Int(parts[1]), number <= most
      else { throw .badLength(most: most) }
      bitCount = number
    }
    self.bitCount = bitCount
    self.address = Self.lowest(of: address, bitCount)
    guard self.address == address else { throw .bitsPastPrefix(right: description) }
  }

  /// Complexity: constant.
  public func contains(_ other: IPAddress) -> Bool {
    other.family == address.family && Self.lowest(of: other, bitCount) == address
  }

  public var description: String {
    bitCount == address.family.bitCount ? "\(address)" : "\(address)/\(bitCount)"
  }

  private static func lowest(of address: IPAddress, _ bitCount: Int) -> IPAddress {
    let rest = address.family.bitCount - bitCount
    let bits = (address.bits >> rest) << rest
    return switch address.family {
    case .ipv4: IPAddress(ipv4: UInt32(truncatingIfNeeded: bits))
    case .ipv6: IPAddress(ipv6: bits)
    }
  }
}

/// What is wrong with a block of addresses.
public enum IPPrefixError: Error, Equatable, CustomStringConvertible {
  case noAddress
  case badLength(most: Int)
  case bitsPastPrefix(right: String)

  public var description: String {
    switch self {
    case .noAddress: "write an address or a block of them, as in 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32"
    case .badLength(let most): "the number behind the slash is 0 to \(most)"
    case .bitsPastPrefix(let right): "the address has bits past its prefix: write \(right)"
    }
  }
}
