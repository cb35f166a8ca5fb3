import EventLoop
import Proxy

/// A server that is looked at: one address of one `--new` or `--old`.
struct CheckedServer: Sendable, Equatable {
  let role: Site
  /// As findings name it.
  let name: String
  let address: SocketAddress
  /// Its own name, as its flag has it.
  let authority: String
  /// The `Host` that it is asked by.
  let host: String
  /// The name that its certificate must have; nil where it is spoken to without TLS.
  let tlsName: String?

  /// The servers behind an origin's name. Blocks.
  ///
  /// - Parameter host: nil asks by the origin's own name.
  static func behind(
    _ origin: OriginAddress, role: Site, host: String?
  ) throws(ResolveError) -> [CheckedServer] {
    let addresses = try SocketAddress.resolve(host: origin.host, port: origin.port)
    let name = "\(role) \(origin.url)"
    let authority = String(origin.url.dropFirst(origin.isSecure ? "https://".count : "http://".count))
    return addresses.map { address in
      CheckedServer(
        role: role, name: addresses.count > 1 ? "\(name) (\(address.host))" : name, address: address,
        authority: authority, host: host ?? authority, tlsName: origin.tlsName)
    }
  }

  /// Where a redirect to this authority stays with the server: it is how it was asked, whatever the port.
  func isNamed(_ authority: String) -> Bool {
    Self.withoutPort(authority).lowercased() == Self.withoutPort(host).lowercased()
  }

  static func withoutPort(_ authority: String) -> String {
    guard let colon = authority.lastIndex(of: ":"),
      authority[authority.index(after: colon)...].allSatisfy(\.isNumber)
    else { return authority }
    return String(authority[..<colon])
  }
}
