import EventLoop
import Glibc
import HTTP1
import Logging
import Proxy
import Testing
import URLMap

@testable import Admin

/// A client that writes what it is told and reads until the server closes or `patience` is over.
struct RawClient {
  let address: SocketAddress

  /// - Parameter address: `127.0.0.1:9000` or `unix:/path`, as the server says it.
  init(_ address: String) throws {
    if address.hasPrefix("unix:") {
      self.address = try #require(SocketAddress(unixPath: String(address.dropFirst(5))))
    } else {
      let colon = try #require(address.lastIndex(of: ":"))
      let port = try #require(UInt16(address[address.index(after: colon)...]))
      self.address = try #require(
        SocketAddress.resolve(host: String(address[..<colon]), port: port).first)
    }
  }

  /// The answer to a request that asks for the connection's end.
  func exchange(_ text: String) throws -> String {
    try finish(begin(text))
  }

  /// Sends a request; gives the connection, for `finish`.
  func begin(_ text: String) throws -> Int32 {
    let descriptor = try beginConnecting(to: address)
    _ = fcntl(descriptor, F_SETFL, 0)
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let bytes = Array(text.utf8)
    #expect(send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
    return descriptor
  }

  /// Everything that comes until the server closes the connection, and closes it.
  func finish(_ descriptor: Int32) throws -> String {
    defer { close(descriptor) }
    var answer: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = recv(descriptor, &part, part.count, 0)
      guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
      answer += part[..<count]
    }
  }

  func get(_ target: String) throws -> String {
    try exchange("GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
  }
}

/// A map with these keys, learned in 2001, each visited so often in 2033.
func makeMap(_ keys: [(String, visits: Int)] = []) -> URLMap {
  let map = URLMap(URLMap.Configuration(maxURLs: 2_000_000))
  for (key, _) in keys {
    let bytes = Array(key.utf8)
    var isTaken = map.learn(bytes.span.bytes, at: 1_000_000_000)
    if !isTaken {
      // Its queue is full.
      map.waitUntilApplied()
      isTaken = map.learn(bytes.span.bytes, at: 1_000_000_000)
    }
    #expect(isTaken, "\(key) is no key")
  }
  map.waitUntilApplied()
  let reader = map.makeReader()
  for (key, visits) in keys {
    let bytes = Array(key.utf8)
    for _ in 0..<visits { _ = reader.lookup(bytes.span.bytes, countingHitAt: 2_000_000_000) }
  }
  return map
}

/// A proxy that has not started, before one server of each site.
func makeProxy(_ map: URLMap) throws -> ProxyServer {
  var configuration = ProxyConfiguration(
    listeners: [], newServers: [OriginAddress(host: "127.0.0.1", port: 1)],
    oldServers: [OriginAddress(host: "127.0.0.1", port: 2)], workers: 1,
    fallbackOn: try StatusSet(parsing: "404"), learnOn: try StatusSet(parsing: "2xx"),
    oldMissOn: try StatusSet(parsing: "404"))
  configuration.detailedMetrics = true
  return ProxyServer(configuration, map: map, accessLog: nil, logger: Logger(label: "test"))
}

func makeSubject(_ map: URLMap, keys: KeyScheme = KeyScheme()) throws -> AdminSubject {
  AdminSubject(
    proxy: try makeProxy(map), map: map, keys: keys, mapLimit: 2_000_000, mapFile: nil,
    version: "1.2.3",
    startedAt: 1_000_000_000, workers: 1,
    settings: SettingsInForce(["--miss-ttl": "60s", "--map-file": nil], at: 1_000_000_000))
}

extension AdminServer {
  /// What SIGHUP does.
  func reloadCredentials() throws(CredentialFileError) { use(try readCredentials()) }
}

/// Runs an admin plane while `body` talks to its first address.
func withAdmin<T>(
  listeners: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 0)],
  credentials: AdminCredentials = .none, subject: AdminSubject? = nil, _ body: (RawClient) throws -> T
) throws -> T {
  try withAdminServer(listeners: listeners, credentials: credentials, subject: subject) { try body($1) }
}

/// The same for a body that wants the server as well.
func withAdminServer<T>(
  listeners: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 0)],
  credentials: AdminCredentials = .none, subject: AdminSubject? = nil,
  _ body: (AdminServer, RawClient) throws -> T
) throws -> T {
  signal(SIGPIPE, SIG_IGN)
  let server = AdminServer(
    AdminConfiguration(listeners: listeners, credentials: credentials),
    subject: try subject ?? makeSubject(makeMap()),
    logger: Logger(label: "test"))
  try server.start()
  defer { server.stop() }
  return try body(server, RawClient(#require(server.listeningOn.first)))
}

/// A path for a unix socket that no other test uses.
func socketPath(_ name: String = #function) -> String {
  "/tmp/relevo-\(getpid())-\(name.prefix { $0.isLetter }).sock"
}
