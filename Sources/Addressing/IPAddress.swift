/// An IPv4 or IPv6 address. An IPv4 address that is mapped into IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
public struct IPAddress: Sendable, Hashable {
  public enum Family: Sendable, Hashable {
    case ipv4, ipv6

    /// How many bits an address has: 32 or 128.
    public var bitCount: Int {
      switch self {
      case .ipv4: 32
      case .ipv6: 128
      }
    }
  }

  public let family: Family
  // In halves, since a number of 128 bits would have every object that holds an address aligned to 16 bytes.
  private let upperHalf: UInt64
  private let lowerHalf: UInt64

  public init(ipv4 bits: UInt32) {
    family = .ipv4
    upperHalf = 0
    lowerHalf = UInt64(bits)
  }

  public init(ipv6 bits: UInt128) {
    let isMapped = bits >> 32 == 0xFFFF
    family = isMapped ? .ipv4 : .ipv6
    upperHalf = isMapped ? 0 : UInt64(truncatingIfNeeded: bits >> 64)
    lowerHalf = UInt64(truncatingIfNeeded: isMapped ? bits & 0xFFFF_FFFF : bits)
  }

  /// The address as a number; no more than 32 bits of it are used for IPv4.
  var bits: UInt128 { UInt128(upperHalf) << 64 | UInt128(lowerHalf) }

  /// The address in network byte order: 4 or 16 bytes, nil for any other number of them.
  public init?(networkOrder bytes: Span<UInt8>) {
    var bits: UInt128 = 0
    for index in bytes.indices { bits = bits << 8 | UInt128(bytes[index]) }
    switch bytes.count {
    case 4: self.init(ipv4: UInt32(truncatingIfNeeded: bits))
    case 16: self.init(ipv6: bits)
    default: return nil
    }
  }
}

extension IPAddress {
  private static let privateBlocks = [
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "::1",
    "fc00::/7",
    "fe80::/10",
  ].compactMap { try? IPPrefix($0) }

  /// Whether it belongs to a network of somebody's own (RFC 1918, 4193, 6598), to a link or to this machine: no visitor
  /// from the Internet has such an address.
  public var isPrivate: Bool {
    Self.privateBlocks.contains { $0.contains(self) }
  }
}

/// Who is at the other end of a connection.
public enum PeerAddress: Sendable, Hashable {
  case ip(IPAddress)
  /// Somebody on this machine, by a unix socket.
  case unix
}
