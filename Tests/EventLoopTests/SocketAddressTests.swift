import Glibc
import Testing

@testable import EventLoop

@Suite("a socket's address")
struct SocketAddressTests {
  @Test(
    "of a numeric host has its family, host, port and text",
    arguments: [
      ("127.0.0.1", 80, AF_INET, "127.0.0.1:80"), ("0.0.0.0", 0, AF_INET, "0.0.0.0:0"),
      ("10.1.2.3", 65_535, AF_INET, "10.1.2.3:65535"), ("::1", 8080, AF_INET6, "[::1]:8080"),
      ("2001:db8::a:1", 443, AF_INET6, "[2001:db8::a:1]:443"), ("::", 1, AF_INET6, "[::]:1"),
    ] as [(String, UInt16, Int32, String)])
  func numeric(_ host: String, _ port: UInt16, _ family: Int32, _ text: String) throws {
    let all = try SocketAddress.resolve(host: host, port: port)
    #expect(all.count == 1)
    let address = try #require(all.first)
    #expect(address.family == family)
    #expect(address.host == host)
    #expect(address.port == port)
    #expect(address.description == text)
    #expect(try SocketAddress.resolve(host: host, port: port) == all)
  }

  @Test("of localhost is a loopback one, named once")
  func localhost() throws {
    let all = try SocketAddress.resolve(host: "localhost", port: 81)
    #expect(!all.isEmpty)
    #expect(Set(all).count == all.count)
    for address in all { #expect(["127.0.0.1:81", "[::1]:81"].contains(address.description)) }
  }

  @Test("of a name that does not resolve is an error with the resolver's reason")
  func doesNotResolve() {
    let error = #expect(throws: ResolveError.self) {
      try SocketAddress.resolve(host: "does-not-exist.invalid", port: 80)
    }
    #expect(error?.host == "does-not-exist.invalid")
    #expect(error?.reason.isEmpty == false)
    #expect(error?.description.hasPrefix("does-not-exist.invalid does not resolve: ") == true)
  }

  @Test("of a unix socket is its path")
  func unix() throws {
    let address = try #require(SocketAddress(unixPath: "/run/relevo.sock"))
    #expect(address.family == AF_UNIX)
    #expect(address.description == "unix:/run/relevo.sock")
    #expect(address.host == "unix:")
    #expect(address.hostBytes == nil)
    #expect(address.port == 0)
  }

  @Test("of a unix socket has 1 to 107 bytes, none of them zero")
  func unixPathIsBounded() {
    #expect(SocketAddress(unixPath: "") == nil)
    #expect(SocketAddress(unixPath: "a\u{0}b") == nil)
    #expect(SocketAddress(unixPath: String(repeating: "a", count: 107)) != nil)
    #expect(SocketAddress(unixPath: String(repeating: "a", count: 108)) == nil)
    #expect(SocketAddress(unixPath: String(repeating: "é", count: 54)) == nil)
  }

  @Test("of a connection's ends is each other's")
  func ofConnection() throws {
    let (one, other) = try loopbackPair()
    defer { close(one) }
    let own = try #require(SocketAddress(of: one, peer: false))
    #expect(own == SocketAddress(of: other.number, peer: true))
    #expect(own.host == "127.0.0.1")
    #expect(own.hostBytes == [127, 0, 0, 1])
    #expect(SocketAddress(of: one, peer: true) == SocketAddress(of: other.number, peer: false))
    #expect(own != SocketAddress(of: other.number, peer: false))
  }

  @Test("of a descriptor that is no socket is none")
  func ofNoSocket() {
    #expect(SocketAddress(of: -1, peer: false) == nil)
  }
}
