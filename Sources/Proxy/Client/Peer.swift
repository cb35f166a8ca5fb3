import Addressing
import EventLoop
import TLS

/// Who is at the other end of a client's connection, as far as it is believed. Looked up once a connection.
struct Peer {
  let address: PeerAddress
  /// What it says of its own clients in forwarding fields counts.
  private(set) var isTrusted: Bool
  /// What it speaks with its client, when the fields do not say.
  let scheme: Scheme
  /// As the log names it: an address, or `unix:`.
  let name: ShortText
  /// What it and we speak; nil where that is no TLS.
  var tls: TLSAgreement?
  /// Else HTTP/1.
  var speaksHTTP2 = false

  init(_ address: PeerAddress, trusted: TrustedProxies, scheme: Scheme = .http) {
    self.address = address
    isTrusted = trusted.contains(address)
    self.scheme = scheme
    name =
      switch address {
      case .ip(let address): ShortText(address.text)
      case .unix: ShortText("unix:".utf8)
      }
  }

  /// Others are trusted from now on.
  mutating func trust(_ trusted: TrustedProxies) { isTrusted = trusted.contains(address) }

  /// It may be a load balancer that the operator has forgotten to name.
  var isUntrustedNeighbour: Bool {
    if isTrusted { return false }
    return switch address {
    case .ip(let address): address.isPrivate
    case .unix: true
    }
  }

  /// What X-Forwarded-For can say of it; nil of a unix socket, which has no address that another machine could know.
  var forwardedName: ShortText? {
    switch address {
    case .ip: name
    case .unix: nil
    }
  }
}

/// How a client has asked for a page.
enum Scheme {
  case http, https

  var name: StaticString {
    switch self {
    case .http: "http"
    case .https: "https"
    }
  }
}

extension PeerAddress {
  init(_ address: SocketAddress) {
    self = address.hostBytes.flatMap { IPAddress(networkOrder: $0.span) }.map { .ip($0) } ?? .unix
  }
}
