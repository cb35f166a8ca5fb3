import EventLoop
import Proxy

/// Which of the two sites a server belongs to.
enum SiteRole: String, Sendable {
  case new, old
}

/// A server that is looked at: one address of one `--new` or `--old`.
struct CheckedServer: Sendable, Equatable {
  let role: SiteRole
  /// As findings name it.
  let name: String
  let address: SocketAddress
  /// The `Host` that it is asked by.
  let host: String

  /// The servers behind an origin's name. Blocks.
  ///
  /// - Parameter host: nil asks by the origin's own name.
  static func behind(
    _ origin: OriginAddress, role: SiteRole, host: String?
  ) throws(ResolveError) -> [CheckedServer] {
    let addresses = try SocketAddress.resolve(host: origin.host, port: origin.port)
    let url = origin.flagText
    return addresses.map { address in
      CheckedServer(
        role: role, name: addresses.count > 1 ? "\(role) \(url) (\(address.host))" : "\(role) \(url)",
        address: address, host: host ?? String(url.dropFirst("http://".count)))
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
