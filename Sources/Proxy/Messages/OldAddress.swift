import HTTP1

/// The names by which the old server is known inside, none of which may reach a client.
struct OldAddress: Sendable {
  /// As the operator wrote it, or its address.
  let server: HostAndPort
  /// The Host that it is sent in place of the client's; nil when it gets the client's.
  let host: HostAndPort?

  /// Where a reference, such as the value of Location, names the old server; nil when it names another place, or none.
  ///
  /// The ports of http and https count as none: what listens on 80 is taken to answer on 443 as well, and a server that is
  /// told another Host builds its links from that, with or without the port that it listens on.
  func place(in value: ByteRange, of message: RawSpan) -> ByteRange? {
    let bytes = message.extracting(value.range)
    let reference = URIReference.split(bytes)
    guard let authority = reference.authority else { return nil }
    let scheme = bytes.extracting((reference.scheme ?? .empty).range)
    guard isNamed(by: bytes.extracting(authority.range), scheme: scheme) else { return nil }
    return ByteRange(lower: value.lower + authority.lower, upper: value.lower + authority.upper)
  }

  private func isNamed(by authority: RawSpan, scheme: RawSpan) -> Bool {
    let (hostCount, port) = authority.splitAtPort()
    let name = authority.extracting(0..<hostCount)
    let isDefault = port.map { HostAndPort.isDefault($0, scheme: scheme) } ?? true
    if name.equalsIgnoringCase(server.host), isDefault ? server.hasDefaultPort : port == server.port {
      return true
    }
    guard let host, name.equalsIgnoringCase(host.host) else { return false }
    return isDefault ? host.hasDefaultPort : port == host.port || port == server.port
  }

  /// Whether a cookie of this domain would be the old server's under one of its own names, and cannot be the client's under
  /// the public one: no browser keeps it then (RFC 6265, 5.1.3 and 5.3).
  func ownsDomain(_ domain: RawSpan, hiddenBehind publicAuthority: RawSpan) -> Bool {
    let publicHost = publicAuthority.extracting(0..<publicAuthority.splitAtPort().hostCount)
    if publicHost.isInDomain(domain) { return false }
    return unsafe server.host.span.bytes.isInDomain(domain)
      || host.map { unsafe $0.host.span.bytes.isInDomain(domain) } == true
  }
}

/// An authority in its parts.
struct HostAndPort: Sendable {
  /// With the brackets of an IPv6 address.
  let host: [UInt8]
  let port: UInt16?

  init(_ authority: [UInt8]) {
    let (hostCount, port) = unsafe authority.span.bytes.splitAtPort()
    host = Array(authority[..<hostCount])
    self.port = port
  }

  init(authority: RawSpan) {
    self.init(unsafe authority.withUnsafeBytes { unsafe Array($0) })
  }

  /// There is no port, or it is one that goes without saying.
  var hasDefaultPort: Bool { port == nil || port == 80 || port == 443 }

  /// Whether a port goes without saying in a scheme, which is empty where it follows from the page.
  static func isDefault(_ port: UInt16, scheme: RawSpan) -> Bool {
    switch port {
    case 80: !scheme.equalsIgnoringCase("https")
    case 443: !scheme.equalsIgnoringCase("http")
    default: false
    }
  }
}

extension RawSpan {
  /// Where the host of an authority ends, and the port behind it; nil for none, or for what is no number of a port.
  fileprivate func splitAtPort() -> (hostCount: Int, port: UInt16?) {
    var digits = byteCount
    while digits > 0, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte(at: digits - 1)) { digits -= 1 }
    guard digits > 0, byte(at: digits - 1) == UInt8(ascii: ":") else { return (byteCount, nil) }
    var port: UInt32 = 0
    for offset in digits..<byteCount {
      port = port * 10 + UInt32(byte(at: offset) &- UInt8(ascii: "0"))
      if port > UInt16.max { return (byteCount, nil) }
    }
    return (digits - 1, digits < byteCount ? UInt16(port) : nil)
  }

  /// Whether this host is `domain` or below it (RFC 6265, 5.1.3). No domain has no hosts.
  fileprivate func isInDomain(_ domain: RawSpan) -> Bool {
    let count = domain.byteCount
    guard count > 0, count <= byteCount,
      extracting(byteCount - count..<byteCount).equalsIgnoringCase(domain)
    else { return false }
    return count == byteCount || byte(at: byteCount - count - 1) == UInt8(ascii: ".")
  }

  /// Whether the bytes are the same but for the case of ASCII letters.
  fileprivate func equalsIgnoringCase(_ other: RawSpan) -> Bool {
    byteCount == other.byteCount
      && byteOffsets.allSatisfy { byte(at: $0).lowercased == other.byte(at: $0).lowercased }
  }
}
