import Addressing
import HTTP1
import Testing

@testable import Proxy

@Suite("a request's sender")
struct SenderTests {
  private let trusted: TrustedProxies

  init() throws {
    trusted = TrustedProxies(prefixes: [try IPPrefix("10.0.0.0/8")], includesUnixSockets: false)
  }

  /// The client as the log names it, and the scheme.
  private func sender(_ peer: String, _ fields: String = "") throws -> (client: String, scheme: Scheme) {
    let address: PeerAddress = peer == "unix" ? .unix : .ip(try #require(IPAddress(peer)))
    let peer = Peer(address, trusted: trusted)
    return try withRequest("GET / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n") { _, table, bytes in
      let sender = Sender(
        peer: peer, fields: table, bytes: Array("GET / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n".utf8).span,
        trusted: trusted)
      var writer = ByteWriter(capacity: 16)
      sender.appendClient(from: bytes, to: &writer)
      return (text(writer), sender.scheme)
    }
  }

  @Test("is the peer, whatever it says, unless it is trusted")
  func untrusted() throws {
    let claims = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n"
    #expect(try sender("198.51.100.1", claims) == ("198.51.100.1", .http))
    #expect(try sender("2001:db8::1", claims) == ("2001:db8::1", .http))
    #expect(try sender("unix", claims) == ("unix:", .http))
  }

  @Test("is whom a trusted peer speaks for, and the peer when it says nothing")
  func trustedPeer() throws {
    #expect(try sender("10.0.0.1") == ("10.0.0.1", .http))
    #expect(
      try sender(
        "10.0.0.1",
        "X-Forwarded-For: 6.6.6.6, 203.0.113.9:80\r\nX-Forwarded-For: 10.0.0.2\r\nX-Forwarded-Proto: https\r\n"
      )
        == ("203.0.113.9", .https))
    #expect(
      try sender("10.0.0.1", "X-Forwarded-For: unknown\r\nX-Forwarded-Proto: x\r\n") == ("10.0.0.1", .http))
  }

  @Test(
    "has the scheme that stands last",
    arguments: [
      ("https", Scheme.https), ("HTTP", .http), ("http, https", .https), ("https,http", .http),
      ("wss", .https), ("ws", .http),
      ("https, ", .http), ("httpss", .http), ("", .http), (",", .http),
    ])
  func scheme(_ value: String, _ expected: Scheme) throws {
    #expect(try sender("10.0.0.1", "X-Forwarded-Proto: \(value)\r\n").scheme == expected)
  }
}
