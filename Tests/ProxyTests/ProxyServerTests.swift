import Glibc
import HTTP1
import Logging
import Testing
import URLMap

@testable import Proxy

@Suite("the proxy in a process", .serialized)
struct ProxyServerTests {
  private let new: OriginStub
  private let old: OriginStub

  init() throws {
    new = try OriginStub {
      if $0.hasPrefix("GET /slow ") {
        usleep(300_000)
        return page("the slow page")
      }
      return $0.hasPrefix("GET /new ")
        ? page("the new page") : missing
    }
    old = try OriginStub {
      $0.hasPrefix("GET /old ") ? page("the old page") : missing
    }
  }

  /// Runs a proxy before the two origins while `body` does.
  private func withProxy(
    on listeners: [ListenAddress], workers: Int = 1, map: URLMap = URLMap(.init(maxURLs: 100)),
    detailed: Bool = false,
    _ body: (ProxyServer) throws -> Void
  ) throws {
    var configuration = try makeConfiguration()
    configuration.listeners = listeners
    configuration.workers = workers
    configuration.detailedMetrics = detailed
    let server = ProxyServer(
      configuration, map: map, accessLog: nil, logger: Logger(label: "test") { _ in SilentLog() })
    defer {
      server.stop()
      new.stop()
      old.stop()
    }
    try server.start()
    try body(server)
  }

  private func makeConfiguration() throws -> ProxyConfiguration {
    var configuration = ProxyConfiguration(
      listeners: [], newServers: [.init(host: "127.0.0.1", port: new.port)],
      oldServers: [.init(host: "127.0.0.1", port: old.port)], workers: 1,
      fallbackOn: try StatusSet(parsing: "404"), learnOn: try StatusSet(parsing: "2xx"),
      oldMissOn: try StatusSet(parsing: "404"))
    configuration.debugHeaders = true
    return configuration
  }

  private static let anyPort = ListenAddress.tcp(host: "127.0.0.1", port: 0)

  private func port(of server: ProxyServer) throws -> UInt16 {
    let address = try #require(server.listeningOn.first)
    return try #require(UInt16(address.drop { $0 != ":" }.dropFirst()))
  }

  private func get(_ path: String, from server: ProxyServer) throws -> String {
    try exchange(
      port: port(of: server), "GET \(path) HTTP/1.1\r\nHost: www.example\r\nConnection: close\r\n\r\n")
  }

  @Test("listens on a port of the kernel's choice, names it, and frees it when it stops", arguments: [1, 3])
  func listens(_ workers: Int) throws {
    var chosen: UInt16 = 0
    try withProxy(on: [Self.anyPort], workers: workers) { server in
      chosen = try port(of: server)
      #expect(chosen != 0)
      #expect(server.listeningOn == ["127.0.0.1:\(chosen)"])
      #expect(accepts(port: chosen))
      server.stop()
      #expect(!accepts(port: chosen))
    }
    #expect(!accepts(port: chosen))
    try withProxy(on: [.tcp(host: "127.0.0.1", port: chosen)], workers: workers) { server in
      #expect(server.listeningOn == ["127.0.0.1:\(chosen)"])
    }
  }

  @Test("passes a miss on to the old server, learns the URL, and counts what it did")
  func counts() throws {
    try withProxy(on: [Self.anyPort], map: URLMap(.init(maxURLs: 100))) { server in
      #expect(server.metrics.requests == RouteCounts())
      let first = try get("/old", from: server)
      #expect(first.contains("X-Relevo-Route: old-fallback\r\n"))
      #expect(first.hasSuffix("\r\n\r\nthe old page"))
      #expect(waits { server.metrics[.learned] == 1 })
      #expect(try get("/new", from: server).contains("X-Relevo-Route: new\r\n"))
      #expect(try get("/none", from: server).hasPrefix("HTTP/1.1 404 None\r\n"))
      usleep(20_000)
      #expect(try get("/old", from: server).contains("X-Relevo-Route: old-map\r\n"))
      #expect(waits { server.metrics.openConnections == 0 })
      var expected = ProxyMetrics()
      expected[.connections] = 4
      expected[.requests] = 4
      expected[.new, .successful] = 1
      expected[.held, .clientError] = 1
      expected[.oldAfterMiss, .successful] = 1
      expected[.oldFromMap, .successful] = 1
      expected[.learned] = 1
      expected[.newConnectionsOpened] = 3
      expected[.oldConnectionsOpened] = 3
      let metrics = server.metrics
      #expect(ProxyCounter.allCases.allSatisfy { metrics[$0] == expected[$0] })
      #expect(metrics.requests == expected.requests)
      #expect(metrics[.held, .clientError] == 1)
      #expect(metrics.openRequests == 0)
      #expect(new.requests.count == 3)
      #expect(old.requests.count == 3)
    }
  }

  @Test("answers itself, and counts it, when no origin can be reached")
  func answersItself() throws {
    new.stop()
    #expect(waits { !accepts(port: new.port) })
    try withProxy(on: [Self.anyPort]) { server in
      let answer = try get("/new", from: server)
      #expect(answer.hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
      #expect(waits { server.metrics[.own, .serverError] == 1 })
      #expect(server.metrics[.originFailures] >= 1)
      #expect(old.requests.isEmpty)
    }
  }

  @Test("keeps what both sites miss, and by whom a visitor was sent there")
  func keepsMisses() throws {
    try withProxy(on: [Self.anyPort], workers: 2, detailed: true) { server in
      let request =
        "HEAD /none?a=b HTTP/1.1\r\nHost: www.example:80\r\nReferer: /from\r\nConnection: close\r\n\r\n"
      _ = try exchange(port: port(of: server), request)
      #expect(waits { server.recentMisses(limit: 9).count == 1 })
      _ = try exchange(port: port(of: server), "GET /none HTTP/1.0\r\n\r\n")
      _ = try get("/old", from: server)
      _ = try get("/new", from: server)
      #expect(waits { server.recentMisses(limit: 9).count == 2 })
      _ = try get("/none", from: server)
      #expect(waits { server.recentMisses(limit: 9).count == 3 })
      let misses = server.recentMisses(limit: 9)
      #expect(misses.map(\.reason) == [.doubleMiss, .bothMissed, .bothMissed])
      #expect(misses.map(\.host) == ["www.example", "", "www.example:80"])
      #expect(misses.map(\.newStatus) == [404, 404, 404])
      #expect(misses.map(\.oldStatus) == [nil, 404, 404])
      let first = try #require(misses.last)
      #expect(abs(Int(first.at) - time(nil)) < 60)
      #expect(
        first
          == RecentMiss(
            at: first.at, method: "HEAD", host: "www.example:80", url: "/none?a=b", newStatus: 404,
            oldStatus: 404, referer: "/from", reason: .bothMissed))
      #expect(server.recentMisses(limit: 1) == [misses[0]])
      #expect(server.recentFailures(limit: 9).isEmpty)
    }
  }

  @Test("keeps failures with their cause, and times everything, where somebody wants to see it")
  func keepsFailures() throws {
    try withProxy(on: [Self.anyPort], detailed: true) { server in
      _ = try get("/new", from: server)
      new.stop()
      #expect(waits { !accepts(port: new.port) })
      _ = try get("/x?y", from: server)
      #expect(waits { server.metrics[.own, .serverError] == 1 })
      let failure = try #require(server.recentFailures(limit: 9).last)
      #expect(failure.event == "origin-failed")
      #expect(failure.message == "an origin failed")
      #expect(failure.cause == "connection failed: Connection refused; see that it runs and listens there")
      #expect(failure.origin == "127.0.0.1:\(new.port)")
      #expect(failure.site == .new)
      #expect(failure.url == "/x?y")
      let metrics = server.metrics
      let origins = server.origins.map { metrics.latency(ofOrigin: $0.id).count }
      #expect(origins == [1, 0])
      #expect(metrics.latency(of: .new).count == 1)
      #expect(metrics.latency(of: .own).count == 1)
      #expect(metrics.latency.quantile(1) ?? 60 < 30)
      #expect(waits { server.metrics.loops.allSatisfy { $0.lag.count > 2 } })
      #expect(server.metrics.loops.count == 1)
    }
  }

  @Test("counts the bytes to and from clients")
  func countsBytes() throws {
    try withProxy(on: [Self.anyPort]) { server in
      let request = "GET /new HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
      let answer = try exchange(port: port(of: server), request)
      #expect(waits { server.metrics.openConnections == 0 })
      #expect(server.metrics.receivedBytes == UInt64(request.utf8.count))
      #expect(server.metrics.sentBytes == UInt64(answer.utf8.count))
      #expect(server.metrics.latency == LatencyHistogram())
      #expect(server.origins.allSatisfy { server.metrics.latency(ofOrigin: $0.id).count == 0 })
      #expect(server.metrics.loops.isEmpty)
    }
  }

  @Test("does not start on an address that another socket has", arguments: [1, 2])
  func refusesAddressInUse(_ workers: Int) throws {
    let taken = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(taken) }
    let port = try listenOnLoopback(taken)
    let error = #expect(throws: ProxyStartError.self) {
      try withProxy(on: [.tcp(host: "127.0.0.1", port: port)], workers: workers) { _ in }
    }
    guard case .addressInUse("127.0.0.1:\(port)") = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.description.hasPrefix("127.0.0.1:\(port) is in use by another process: ") == true)
  }

  @Test("does not start on an address that a proxy has, nor does it take its connections")
  func refusesSecondProxy() throws {
    try withProxy(on: [Self.anyPort], workers: 2) { server in
      let port = try port(of: server)
      let second = try ProxyServerTests()
      #expect(throws: ProxyStartError.self) {
        try second.withProxy(on: [.tcp(host: "127.0.0.1", port: port)], workers: 2) { _ in }
      }
      for _ in 0..<8 { #expect(try get("/new", from: server).hasSuffix("the new page")) }
    }
  }

  @Test("gives back the addresses that it had when it can't have all of them")
  func leavesNothingBound() throws {
    let taken = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(taken) }
    let takenPort = try listenOnLoopback(taken)
    let freed = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let freePort = try listenOnLoopback(freed)
    close(freed)
    let both = [freePort, takenPort].map { ListenAddress.tcp(host: "127.0.0.1", port: $0) }
    #expect(throws: ProxyStartError.self) { try withProxy(on: both, workers: 2) { _ in } }
    #expect(!accepts(port: freePort))
  }

  @Test("stops after a moment beside clients that ask for nothing, and closes their connections")
  func stopsBesideIdleClients() throws {
    try withProxy(on: [Self.anyPort], workers: 2) { server in
      let silent = try connect(port: port(of: server), sending: "")
      let kept = try connect(port: port(of: server), sending: "GET /new HTTP/1.1\r\nHost: h\r\n\r\n")
      defer {
        close(silent)
        close(kept)
      }
      #expect(receive(from: kept) { $0.hasSuffix("the new page") }.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(waits { server.metrics[.connections] == 2 })
      let before = time(nil)
      server.stop()
      #expect(time(nil) - before < 5)
      #expect(receive(from: silent) { _ in false } == "")
      #expect(receive(from: kept) { _ in false } == "")
    }
  }

  @Test("lets a request that is under way have its answer before it stops")
  func finishesRequests() throws {
    try withProxy(on: [Self.anyPort]) { server in
      let client = try connect(port: port(of: server), sending: "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
      defer { close(client) }
      #expect(waits { !new.requests.isEmpty })
      server.stop()
      let answer = receive(from: client) { _ in false }
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(answer.hasSuffix("\r\n\r\nthe slow page"))
    }
  }

  @Test("does not start on a path too long for a socket")
  func refusesLongPath() throws {
    let long = "/tmp/" + String(repeating: "a", count: 120)
    let error = #expect(throws: ProxyStartError.self) {
      try withProxy(on: [.unix(path: long)]) { _ in }
    }
    #expect(error?.description == "can't listen on unix:\(long): a unix socket's path has 1 to 107 bytes")
  }

  @Test("listens on several addresses, a unix socket among them, whose file goes when it stops")
  func listensOnUnixSocket() throws {
    let folder = try Folder()
    let path = "\(folder.path)/socket"
    try withProxy(on: [Self.anyPort, .unix(path: path)], workers: 2) { server in
      #expect(server.listeningOn.count == 2)
      #expect(server.listeningOn.last == "unix:\(path)")
      #expect(folder.names == ["socket"])
      let error = #expect(throws: ProxyStartError.self) {
        try ProxyServerTests().withProxy(on: [.unix(path: path)]) { _ in }
      }
      #expect(error?.description.hasPrefix("unix:\(path) is in use") == true)
      #expect(folder.names == ["socket"])
      server.stop()
      #expect(folder.names == [])
    }
  }

  @Test("replaces the unix socket that a process left behind, and nothing that is no socket")
  func replacesLeftSocket() throws {
    let folder = try Folder()
    let path = "\(folder.path)/socket"
    let left = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(left, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    close(left)
    try withProxy(on: [.unix(path: path)]) { #expect($0.listeningOn == ["unix:\(path)"]) }
    #expect(folder.names == [])

    close(open(path, O_WRONLY | O_CREAT, 0o600))
    let second = try ProxyServerTests()
    #expect(throws: ProxyStartError.self) { try second.withProxy(on: [.unix(path: path)]) { _ in } }
    #expect(folder.names == ["socket"])
  }
  // MARK: Reloading

  private func connectKept(to server: ProxyServer, asking path: String) throws -> Int32 {
    try connect(port: port(of: server), sending: "GET \(path) HTTP/1.1\r\nHost: www.example\r\n\r\n")
  }

  @Test("a reload holds for the next request, also on a connection that is open")
  func reloads() throws {
    try withProxy(on: [Self.anyPort]) { server in
      let kept = try connectKept(to: server, asking: "/new")
      defer { close(kept) }
      #expect(receive(from: kept) { $0.hasSuffix("the new page") }.contains("X-Relevo-Route"))
      var configuration = try makeConfiguration()
      configuration.debugHeaders = false
      try server.reload(configuration)
      let request = Array("GET /new HTTP/1.1\r\nHost: www.example\r\n\r\n".utf8)
      #expect(
        waits {
          _ = send(kept, request, request.count, Int32(MSG_NOSIGNAL))
          return !receive(from: kept) { $0.hasSuffix("the new page") }.contains("X-Relevo-Route")
        })
    }
  }

  @Test("a reload that leaves a site without a server that resolves changes nothing")
  func refused() throws {
    try withProxy(on: [Self.anyPort]) { server in
      var configuration = try makeConfiguration()
      configuration.debugHeaders = false
      configuration.newServers = [.init(host: "does-not-exist.invalid", port: 80)]
      let error = #expect(throws: ProxyStartError.self) { try server.reload(configuration) }
      #expect(error?.description.hasPrefix("the origin does-not-exist.invalid does not resolve") == true)
      #expect(server.origins.count == 2)
      #expect(try get("/new", from: server).contains("X-Relevo-Route: new\r\n"))
    }
  }

  @Test("a request under way ends with the settings and at the server that it began with")
  func underWay() throws {
    try withProxy(on: [Self.anyPort]) { server in
      let slow = try connect(
        port: port(of: server),
        sending: "GET /slow HTTP/1.1\r\nHost: www.example\r\nConnection: close\r\n\r\n")
      defer { close(slow) }
      #expect(waits { !new.requests.isEmpty })
      var configuration = try makeConfiguration()
      configuration.debugHeaders = false
      configuration.newServers = [.init(host: "127.0.0.1", port: old.port)]
      try server.reload(configuration)
      #expect(server.origins.map(\.condition) == [.up, .up, .leaving])
      let answer = receive(from: slow) { _ in false }
      #expect(answer.contains("X-Relevo-Route: new\r\n"))
      #expect(answer.hasSuffix("the slow page"))
      #expect(waits { server.origins.count == 2 })
      #expect(try !get("/old", from: server).contains("X-Relevo-Route"))
      #expect(new.requests.count == 1)
    }
  }

  /// What a reload has replaced, if it is still there.
  private final class Former {
    weak var settings: Settings?

    init(_ settings: Settings) { self.settings = settings }
  }

  @Test("settings end with the last request that uses them: none are left of 1,000 reloads")
  func settingsEnd() throws {
    try withProxy(on: [Self.anyPort], workers: 2) { server in
      // Connections that have served a request hold nothing of it.
      let idle = try (0..<8).map { _ in try connectKept(to: server, asking: "/new") }
      defer { for client in idle { close(client) } }
      for client in idle {
        #expect(receive(from: client) { $0.hasSuffix("the new page") }.hasPrefix("HTTP/1.1 200"))
      }
      var former: [Former] = []
      for round in 0..<1000 {
        former.append(Former(server.settingsInForce))
        var configuration = try makeConfiguration()
        configuration.balance = round % 2 == 0 ? .leastConnections : .roundRobin
        configuration.oldServers.append(.init(host: "127.0.0.1", port: UInt16(1000 + round)))
        try server.reload(configuration)
        if round % 100 == 0 { #expect(try get("/new", from: server).hasSuffix("the new page")) }
      }
      #expect(waits { former.allSatisfy { $0.settings == nil } })
      #expect(former.count { $0.settings != nil } == 0)
      #expect(server.origins.count == 3)
    }
  }

  @Test("what only a start can set stays as it was")
  func fixed() throws {
    try withProxy(on: [Self.anyPort]) { server in
      var configuration = try makeConfiguration()
      configuration.workers = 7
      configuration.maxHeaderBytes = 1024
      try server.reload(configuration)
      #expect(server.listeningOn.count == 1)
      let cookie = String(repeating: "c", count: 4000)
      let answer = try exchange(
        port: port(of: server),
        "GET /new HTTP/1.1\r\nHost: www.example\r\nCookie: \(cookie)\r\nConnection: close\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 200"))
    }
  }
}

private func page(_ text: String) -> String {
  "HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\nConnection: close\r\n\r\n\(text)"
}

/// What is logged goes nowhere.
private struct SilentLog: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.critical
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }
  func log(event: LogEvent) {}
}

private let missing = "HTTP/1.1 404 None\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
