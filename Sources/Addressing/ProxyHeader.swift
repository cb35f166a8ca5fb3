/// What a load balancer says of the client before it passes its bytes on: the header of the PROXY protocol, version 1 or 2
/// (proxy-protocol.txt of HAProxy).
public struct ProxyHeader: Sendable, Hashable {
  /// No header is longer: an address, and the TLVs that say more.
  public static let maxBytes = 4096

  /// Bytes of the header; behind them the client's own begin.
  public let byteCount: Int
  /// The client. Nil when the header names none (LOCAL, UNKNOWN, or not a stream): the connection's own peer is it.
  public let source: PeerAddress?
  /// The client speaks TLS with the sender.
  public let isTLS: Bool

  /// Looks for a header at the start of what a connection has received.
  ///
  /// Never reads past the header, and says that bytes are none as soon as they can't become one.
  public static func parse(_ bytes: Span<UInt8>) -> ProxyHeaderParse {
    do throws(ProxyHeaderStop) {
      if bytes.isEmpty { throw .outOfBytes }
      return .header(
        try bytes[0] == BinaryProxyHeader.signature[0]
          ? BinaryProxyHeader.read(bytes) : TextProxyHeader.read(bytes))
    } catch {
      return switch error {
      case .outOfBytes: .incomplete
      case .malformed(let cause): .malformed(cause)
      }
    }
  }
}

/// What came of looking for a header.
public enum ProxyHeaderParse: Sendable, Hashable {
  case header(ProxyHeader)
  /// So far it may become one.
  case incomplete
  case malformed(MalformedProxyHeader)
}

/// Why bytes are no header of the PROXY protocol.
public enum MalformedProxyHeader: Error, Sendable, Hashable, CustomStringConvertible {
  case notThere
  case tooLong
  case badLine
  case badAddress
  case badVersion
  case badCommand
  case badFamily
  case truncatedAddress
  case truncatedTLV
  case badChecksum

  public var description: String {
    switch self {
    case .notThere: "the connection does not begin with a PROXY header"
    case .tooLong:
      "the PROXY header is longer than a line of 107 bytes, or than \(ProxyHeader.maxBytes) bytes in version 2"
    case .badLine: "the PROXY line is not TCP4, TCP6 or UNKNOWN with two addresses and two ports"
    case .badAddress: "the PROXY line has a malformed address or port"
    case .badVersion: "the PROXY header is neither of version 1 nor of version 2"
    case .badCommand: "the PROXY header's command is neither LOCAL nor PROXY"
    case .badFamily: "the PROXY header's address family or transport is unknown"
    case .truncatedAddress: "the PROXY header is shorter than its address"
    case .truncatedTLV: "the PROXY header ends in the middle of a TLV"
    case .badChecksum: "the PROXY header's checksum is wrong"
    }
  }
}

/// Why reading a header ends before its end.
enum ProxyHeaderStop: Error {
  case outOfBytes
  case malformed(MalformedProxyHeader)
}
