import ArgumentParser
import Proxy

/// `--old-mode`.
enum OldModeArgument: String, CaseIterable, ExpressibleByArgument {
  case proxy, redirect
}

extension OldRedirect.Status {
  init(flag text: String) throws(BadValue) {
    // 303 would make a GET of everything, and 300 and 304 to 306 are no redirects.
    guard let code = UInt16(text), let status = Self(rawValue: code) else {
      throw BadValue("write 301, 302, 307 or 308")
    }
    self = status
  }
}

/// `--old-public-url`: a scheme, an authority and perhaps a path.
struct OldPublicURLArgument: Sendable, Equatable, CustomStringConvertible {
  let scheme: String
  /// Without the scheme's own port.
  let authority: String
  /// Empty, or a path without a slash at its end.
  let path: String

  init(parsing text: String) throws(BadValue) {
    guard let schemeEnd = text.firstRange(of: "://") else { throw Self.malformed }
    scheme = text[..<schemeEnd.lowerBound].lowercased()
    let ownPort: UInt16
    switch scheme {
    case "https": ownPort = 443
    case "http": ownPort = 80
    default: throw Self.malformed
    }
    let rest = text[schemeEnd.upperBound...]
    let named = rest.prefix { !"/?#@".contains($0) }
    let (host, port) = try HostAndPort.split(String(named))
    if host.isEmpty { throw Self.malformed }
    let name = host.contains(":") ? "[\(host)]" : host
    let number = try port.map { port throws(BadValue) in try HostAndPort.number(port, from: 1) }
    authority = number == nil || number == ownPort ? name : "\(name):\(number ?? ownPort)"
    var path = rest[named.endIndex...]
    guard path.utf8.allSatisfy(Self.isPathByte), path.isEmpty || path.hasPrefix("/") else {
      throw Self.malformed
    }
    while path.hasSuffix("/") { path.removeLast() }
    self.path = String(path)
  }

  var description: String { "\(scheme)://\(authority)\(path)" }

  private static let malformed = BadValue(
    "write the address at which visitors reach the old site, as in https://old.example.com")

  /// RFC 3986, 3.3.
  private static func isPathByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "-._~!$&'()*+,;=:@%/".utf8.contains(byte)
    }
  }
}
