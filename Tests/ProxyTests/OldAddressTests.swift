import HTTP1
import Testing

@testable import Proxy

@Suite("the old server's own address")
struct OldAddressTests {
  /// What `location` becomes for clients of www.example.
  private func rewritten(_ location: String, server: String, oldHost: String?) -> String {
    let address = OldAddress(
      server: HostAndPort(Array(server.utf8)), host: oldHost.map { HostAndPort(Array($0.utf8)) })
    let bytes = Array(location.utf8)
    guard let place = address.place(in: ByteRange(lower: 0, upper: bytes.count), of: bytes.span.bytes) else {
      return location
    }
    return text(Array(bytes[..<place.lower])) + "www.example" + text(Array(bytes[place.upper...]))
  }

  static let named: [(String, String, String?)] = [
    // A server on port 80, named with the port or without, and behind the https that it may have too.
    ("http://10.0.0.5/a", "10.0.0.5", nil),
    ("http://10.0.0.5:80/a", "10.0.0.5", nil),
    ("https://10.0.0.5/a", "10.0.0.5", nil),
    ("https://10.0.0.5:443/a", "10.0.0.5", nil),
    ("//10.0.0.5:80", "10.0.0.5", nil),
    ("//10.0.0.5:443", "10.0.0.5", nil),
    ("HTTPS://10.0.0.5:443?b", "10.0.0.5", nil),
    ("http://10.0.0.5:/a", "10.0.0.5", nil),
    // On another port.
    ("http://10.0.0.5:8080/a", "10.0.0.5:8080", nil),
    ("https://10.0.0.5:8080/a", "10.0.0.5:8080", nil),
    ("http://OLD.internal:8080/a", "old.internal:8080", nil),
    ("http://old.internal:08080/a", "old.internal:8080", nil),
    // Of IPv6.
    ("http://[fd00::5]/a", "[fd00::5]", nil),
    ("http://[FD00::5]:80/a", "[fd00::5]", nil),
    ("https://[fd00::5]:443/", "[fd00::5]", nil),
    ("http://[::1]:8080/a", "[::1]:8080", nil),
    // By the Host that it is sent: with the port of that, without one, with the one that it listens on.
    ("http://old.example.com/a", "10.0.0.5:8080", "old.example.com"),
    ("https://old.example.com/a", "10.0.0.5:8080", "old.example.com"),
    ("https://old.example.com:443/a", "10.0.0.5:8080", "old.example.com"),
    ("http://old.example.com:8080/a", "10.0.0.5:8080", "old.example.com"),
    ("http://old.example.com:8080/a", "10.0.0.5", "old.example.com:8080"),
    ("http://old.example.com/a", "10.0.0.5", "old.example.com:80"),
    ("http://10.0.0.5/a", "10.0.0.5", "old.example.com"),
  ]

  @Test("is found under each of its names", arguments: named)
  func isFound(_ location: String, _ server: String, _ oldHost: String?) {
    let result = rewritten(location, server: server, oldHost: oldHost)
    let authorityEnd = location.dropFirst(location.hasPrefix("//") ? 2 : 8).firstIndex { "/?".contains($0) }
    let rest = authorityEnd.map { String(location[$0...]) } ?? ""
    #expect(result.hasSuffix("//www.example" + rest) && !result.contains("10.0.0.5"))
  }

  static let others: [(String, String, String?)] = [
    ("http://10.0.0.5/a", "10.0.0.5:8080", nil),
    ("https://10.0.0.5:80/a", "10.0.0.5", nil),
    ("http://10.0.0.5:443/a", "10.0.0.5", nil),
    ("http://10.0.0.5:8080/a", "10.0.0.5", nil),
    ("http://10.0.0.55/a", "10.0.0.5", nil),
    ("http://110.0.0.5/a", "10.0.0.5", nil),
    ("http://10.0.0.5:80800/a", "10.0.0.5:8080", nil),
    ("http://10.0.0.5:99999999999999999999/a", "10.0.0.5", nil),
    ("http://10.0.0.5:80x/a", "10.0.0.5", nil),
    ("http://user@10.0.0.5/a", "10.0.0.5", nil),
    ("http://[::1]/a", "[::1]:8080", nil),
    ("http://[::2]/a", "[::1]", nil),
    ("http://::1/a", "[::1]", nil),
    ("http://old.example.com:81/a", "10.0.0.5:8080", "old.example.com"),
    ("http://old.example.com/a", "10.0.0.5:8080", "old.example.com:82"),
    ("http://old.example.com.evil.example/a", "10.0.0.5", "old.example.com"),
    ("http:10.0.0.5/a", "10.0.0.5", nil),
    ("/10.0.0.5/a", "10.0.0.5", nil),
    ("?http://10.0.0.5/", "10.0.0.5", nil),
    ("", "10.0.0.5", nil),
    ("http://", "10.0.0.5", nil),
    ("//:80", "10.0.0.5", nil),
  ]

  @Test("is not taken for another place", arguments: others)
  func isNotMistaken(_ location: String, _ server: String, _ oldHost: String?) {
    #expect(rewritten(location, server: server, oldHost: oldHost) == location)
  }
}
