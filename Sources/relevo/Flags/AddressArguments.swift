import Proxy

extension ListenAddress {
  /// Reads `host:port`, `[v6]:port` or `unix:/path`.
  init(flag text: String) throws(BadValue) {
    if text.hasPrefix("unix:") {
      self = .unix(path: try Self.socketPath(text.dropFirst("unix:".count)))
      return
    }
    if text.contains("://") {
      throw BadValue("leave the scheme out and write host:port, as in 127.0.0.1:8080")
    }
    let (host, port) = try HostAndPort.split(text)
    guard let port else {
      throw BadValue("write host:port, as in 127.0.0.1:8080, [::1]:8080 or unix:/run/relevo.sock")
    }
    if host.isEmpty {
      throw BadValue(
        "name an address before the port: 0.0.0.0:\(port) for every IPv4 address of this machine")
    }
    self = .tcp(host: host, port: try HostAndPort.number(port, from: 0))
  }

  /// `sun_path` holds 108 bytes, the last of them a zero.
  private static let longestSocketPath = 107

  private static func socketPath(_ text: Substring) throws(BadValue) -> String {
    guard text.hasPrefix("/"), !text.hasSuffix("/"), !text.utf8.contains(0) else {
      throw BadValue("give the socket's absolute path, as in unix:/run/relevo.sock")
    }
    guard text.utf8.count <= longestSocketPath else {
      throw BadValue("the path of a unix socket has at most \(longestSocketPath) bytes")
    }
    return String(text)
  }

  /// As the flag writes it.
  var flagText: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    case .inherited(let address): address.description
    }
  }
}

/// What listen addresses, origins and `Host` have in common.
enum HostAndPort {
  /// Splits at the port's colon; the host comes without brackets and may be empty, the port is unchecked and
  /// nil without a colon.
  static func split(_ text: String) throws(BadValue) -> (host: String, port: Substring?) {
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { throw BadValue("close the bracket: [::1]:8080") }
      let address = text[text.index(after: text.startIndex)..<end]
      let rest = text[text.index(after: end)...]
      guard isIPv6(address), rest.isEmpty || rest.hasPrefix(":") else {
        throw BadValue("write an IPv6 address in brackets and the port after them, as in [::1]:8080")
      }
      return (String(address), rest.isEmpty ? nil : rest.dropFirst())
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2 else { throw BadValue("put an IPv6 address in brackets, as in [::1]:8080") }
    let host = parts.first ?? ""
    guard isName(host) else {
      throw BadValue("'\(host)' is no host: a name or an address has letters, digits, dots and hyphens")
    }
    return (String(host), parts.count == 2 ? parts.last : nil)
  }

  static func number(_ port: Substring, from lowest: UInt16) throws(BadValue) -> UInt16 {
    let isDigits = port.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard isDigits, let number = UInt16(port), number >= lowest else {
      throw BadValue("a port is a number from \(lowest) to 65535")
    }
    return number
  }

  /// Reads the `Host` that the old server wants: a host with or without a port.
  static func hostField(_ text: String) throws(BadValue) -> String {
    let (host, port) = try split(text)
    if host.isEmpty {
      throw BadValue("write keep, or the host that the old server wants, as in www.example.com")
    }
    if let port { _ = try number(port, from: 1) }
    return text
  }

  /// The longest name that DNS can carry.
  private static let longestName = 253

  private static func isName(_ host: Substring) -> Bool {
    host.utf8.count <= longestName
      && host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }
  }

  /// A zone may follow the address, as in `fe80::1%eth0`. The resolver has the last word.
  private static func isIPv6(_ address: Substring) -> Bool {
    address.utf8.count <= 64 && address.contains(":")
      && address.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ":.%".contains($0)) }
  }
}
