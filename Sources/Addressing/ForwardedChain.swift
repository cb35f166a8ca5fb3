/// Finds the client in `X-Forwarded-For`, as a trusted proxy has sent it.
///
///     X-Forwarded-For: what the client claims, the client, a trusted proxy        <- the trusted proxy that connects
///
/// Each proxy adds at the right end whom it was asked by, so only what stands right of the first address that is not
/// trusted was written by somebody who is: the walk goes from the right and ends there. What is no address ends it as
/// well, at the proxy that sent it; if all are trusted, the leftmost is the client.
public struct ForwardedChain {
  private let trusted: TrustedProxies
  /// Where the client's address stands, without brackets and port; nil as long as the peer itself is the best guess.
  public private(set) var client: Range<Int>?
  private var isOver = false

  public init(trusted: TrustedProxies) {
    self.trusted = trusted
  }

  /// Takes one field line's value; the last line of a message first.
  ///
  /// - Parameters:
  ///   - message: what the offsets count in.
  ///   - value: where the value stands; must lie within the message.
  public mutating func read(_ message: Span<UInt8>, value: Range<Int>) {
    var end = value.upperBound
    while !isOver, end >= value.lowerBound {
      var start = end
      while start > value.lowerBound, message[start - 1] != UInt8(ascii: ",") { start -= 1 }
      take(message, Self.trimmed(message, start..<end))
      end = start - 1
    }
  }

  private mutating func take(_ message: Span<UInt8>, _ element: Range<Int>) {
    // RFC 9110, 5.6.1: an empty element of a list is none.
    if element.isEmpty { return }
    let host = Self.host(message, element)
    guard let address = IPAddress(message.extracting(host)) else {
      isOver = true
      return
    }
    client = host
    isOver = !trusted.contains(address)
  }

  private static func trimmed(_ message: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    var (lower, upper) = (range.lowerBound, range.upperBound)
    while lower < upper, message[lower].isBlank { lower += 1 }
    while upper > lower, message[upper - 1].isBlank { upper -= 1 }
    return lower..<upper
  }

  /// The address of `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`; the element
  /// itself when it is none of these.
  private static func host(_ message: Span<UInt8>, _ element: Range<Int>) -> Range<Int> {
    let colon = UInt8(ascii: ":")
    var portless = element.upperBound
    while portless > element.lowerBound, message[portless - 1].decimalDigit != nil { portless -= 1 }
    let hasPort =
      portless > element.lowerBound && portless < element.upperBound && message[portless - 1] == colon
    let host = element.lowerBound..<(hasPort ? portless - 1 : element.upperBound)
    if message[element.lowerBound] == UInt8(ascii: "[") {
      guard host.count > 2, message[host.upperBound - 1] == UInt8(ascii: "]") else { return element }
      return host.lowerBound + 1..<host.upperBound - 1
    }
    // Without brackets the last group of an IPv6 address looks like a port.
    return host.contains { message[$0] == colon } ? element : host
  }
}

extension UInt8 {
  fileprivate var isBlank: Bool { self == 0x20 || self == 0x09 }
}
