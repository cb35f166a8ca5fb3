import Glibc
import Testing

@testable import EventLoop

/// A server on a loop of this thread, and its clients.
private final class Site {
  let loop: EventLoop
  var server: HTTPServer?
  let address: SocketAddress
  /// What was asked and is not let go of yet.
  var exchanges: [HTTPExchange] = []
  var troubles: [HTTPServerTrouble] = []

  init(
    _ limits: HTTPServer.Limits = HTTPServer.Limits(),
    _ handler: ((HTTPServerRequest, HTTPExchange) -> Void)? = nil
  ) throws {
    signal(SIGPIPE, SIG_IGN)
    loop = try EventLoop()
    let socket = try ListeningSocket(
      address: #require(SocketAddress.resolve(host: "127.0.0.1", port: 0).first), shared: false)
    address = socket.address
    let server = try HTTPServer(loop: loop, limits: limits) { [unowned self] request, exchange in
      exchanges.append(exchange)
      handler?(request, exchange)
    }
    self.server = server
    server.onTrouble = { [unowned self] in troubles.append($0) }
    try server.listen(on: socket)
  }

  func connect(_ text: String = "") throws -> Descriptor {
    let client = Descriptor(try beginConnecting(to: address))
    if !text.isEmpty { #expect(client.send(Array(text.utf8)) == text.utf8.count) }
    return client
  }

  /// What `client` has received when `isEnough` of its last bytes, or its connection's end.
  func read(_ client: Descriptor, until isEnough: @escaping (String) -> Bool = { _ in false }) throws
    -> (text: String, hasEnded: Bool)
  {
    var bytes: [UInt8] = []
    var hasEnded = false
    _ = try run(loop, patienceMs: 10_000) {
      var part = [UInt8](repeating: 0, count: 256 << 10)
      while true {
        let count = recv(client.number, &part, part.count, Int32(MSG_DONTWAIT))
        if count == 0 || count < 0 && errno != EAGAIN {
          hasEnded = true
          return true
        }
        guard count > 0 else { return isEnough(String(decoding: bytes.suffix(1024), as: UTF8.self)) }
        bytes += part[..<count]
      }
    }
    return (String(decoding: bytes, as: UTF8.self), hasEnded)
  }

  func waitFor(_ isDone: @escaping () -> Bool) throws -> Bool { try run(loop, until: isDone) }
}

private let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
private let ok = HTTPServerResponse(text: "answer")

@Suite("an exchange with the HTTP server")
struct HTTPExchangeTests {
  @Test("is answered later, and the connection serves the next request then")
  func later() throws {
    let site = try Site()
    let client = try site.connect(get + get)
    #expect(try site.waitFor { site.exchanges.count == 1 })
    site.exchanges[0].answer(ok)
    #expect(site.exchanges[0].isOver)
    #expect(try site.waitFor { site.exchanges.count == 2 })
    site.exchanges[1].answer(HTTPServerResponse(status: 404, text: "second"))
    let (text, _) = try site.read(client) { $0.hasSuffix("second") }
    #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(text.contains("\r\n\r\nanswerHTTP/1.1 404 "))
  }

  @Test("is answered once: what comes then does nothing")
  func once() throws {
    let site = try Site { _, exchange in
      exchange.answer(ok)
      exchange.answer(HTTPServerResponse(text: "again"))
      #expect(!exchange.begin(ok))
      exchange.send([1]) { Issue.record("nothing was sent") }
      exchange.end()
      exchange.cut()
    }
    let (text, _) = try site.read(site.connect(get)) { $0.hasSuffix("answer") }
    #expect(text.hasSuffix("\r\n\r\nanswer"))
  }

  @Test("reaches a client that has ended its side")
  func halfClosed() throws {
    let site = try Site()
    let client = try site.connect(get)
    shutdown(client.number, Int32(SHUT_WR))
    #expect(try site.waitFor { site.exchanges.count == 1 })
    site.exchanges[0].answer(ok)
    #expect(try site.read(client).text.hasSuffix("\r\n\r\nanswer"))
  }

  @Test("whose client has left is answered into the void, and others are served")
  func clientGone() throws {
    let site = try Site()
    var client: Descriptor? = try site.connect(get)
    #expect(client != nil)
    #expect(try site.waitFor { site.exchanges.count == 1 })
    client = nil
    site.exchanges[0].answer(ok)
    let other = try site.connect(get)
    #expect(try site.waitFor { site.exchanges.count == 2 })
    site.exchanges[1].answer(ok)
    #expect(try site.read(other) { $0.hasSuffix("answer") }.text.hasSuffix("answer"))
  }

  @Test("has no more parts asked for than the client takes, and all arrive in order")
  func backpressure() throws {
    let parts = 200
    let part = [UInt8](repeating: UInt8(ascii: "x"), count: 64 << 10)
    var sent = 0
    let site = try Site()
    let client = try site.connect(get)
    #expect(try site.waitFor { site.exchanges.count == 1 })
    let exchange = site.exchanges[0]
    #expect(exchange.begin(HTTPServerResponse(body: [])))
    func sendNext() {
      guard sent < parts else { return exchange.end() }
      sent += 1
      exchange.send(part) { sendNext() }
    }
    sendNext()
    var calm = 0
    var last = 0
    #expect(
      try site.waitFor {
        calm = sent == last ? calm + 1 : 0
        last = sent
        return calm == 100
      })
    #expect(sent < parts)
    let (text, _) = try site.read(client) { $0.hasSuffix("\r\n0\r\n\r\n") }
    #expect(sent == parts)
    #expect(text.contains("\r\nTransfer-Encoding: chunked\r\n"))
    let head = try #require(text.firstRange(of: "\r\n\r\n"))
    #expect(text[head.upperBound...].utf8.count { $0 == UInt8(ascii: "x") } == parts * part.count)
  }

  @Test("in parts tells when the client leaves, and what follows does nothing")
  func leavesMeanwhile() throws {
    let site = try Site()
    var client: Descriptor? = try site.connect(get)
    #expect(client != nil)
    #expect(try site.waitFor { site.exchanges.count == 1 })
    let exchange = site.exchanges[0]
    var isClosed = false
    exchange.onClose = { isClosed = true }
    #expect(exchange.begin(HTTPServerResponse(body: [])))
    func sendNext() { exchange.send([UInt8](repeating: 1, count: 64 << 10)) { sendNext() } }
    sendNext()
    client = nil
    #expect(try site.waitFor { isClosed })
    #expect(exchange.isOver)
    exchange.send([1]) { Issue.record("nobody took it") }
    exchange.end()
    #expect(site.server?.openConnections == 0)
  }

  @Test("in parts can be cut, so that the client sees that it is not whole")
  func cut() throws {
    let site = try Site()
    let client = try site.connect(get)
    #expect(try site.waitFor { site.exchanges.count == 1 })
    #expect(site.exchanges[0].begin(HTTPServerResponse(body: [])))
    site.exchanges[0].send(Array("part".utf8)) { site.exchanges[0].cut() }
    let (text, hasEnded) = try site.read(client)
    #expect(text.hasSuffix("\r\n\r\n4\r\npart\r\n"))
    #expect(hasEnded)
  }

  @Test("in parts has a head alone for HEAD, and ends with the connection for HTTP/1.0")
  func otherParts() throws {
    let site = try Site { _, exchange in
      guard exchange.begin(HTTPServerResponse(body: [])) else { return }
      exchange.send(Array("part".utf8)) { exchange.end() }
    }
    let head = try site.read(site.connect("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"))
    #expect(head.text.hasSuffix("\r\n\r\n"))
    #expect(head.hasEnded)
    let old = try site.read(site.connect("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"))
    #expect(old.text.hasSuffix("\r\n\r\npart"))
    #expect(old.hasEnded)
  }

  @Test("of an unknown method reaches the handler, and its connection ends with the answer")
  func unknownMethod() throws {
    var methods: [String] = []
    let site = try Site { request, exchange in
      methods.append(request.method)
      exchange.answer(HTTPServerResponse(status: 501, text: "no"))
    }
    let (text, hasEnded) = try site.read(site.connect("PURGE / HTTP/1.1\r\nHost: h\r\n\r\n" + get))
    #expect(methods == [""])
    #expect(text.hasPrefix("HTTP/1.1 501 "))
    #expect(hasEnded)
  }

  @Test("may be owed when the server goes, waiting or half sent")
  func serverGoes() throws {
    let site = try Site()
    let (first, second) = (try site.connect(get), try site.connect(get))
    #expect(try site.waitFor { site.exchanges.count == 2 })
    #expect(site.exchanges[0].begin(HTTPServerResponse(body: [])))
    site.exchanges[0].send([UInt8](repeating: 1, count: 8 << 20)) {}
    var closed = 0
    for exchange in site.exchanges { exchange.onClose = { closed += 1 } }
    site.server = nil
    #expect(closed == 2)
    site.exchanges[0].end()
    site.exchanges[1].answer(ok)
    #expect(try site.read(first).hasEnded)
    #expect(try site.read(second).hasEnded)
  }
}

@Suite("the limits of the HTTP server")
struct HTTPServerLimitTests {
  @Test("hundreds of idle connections leave room for one with a request")
  func idleFlood() throws {
    let site = try Site(HTTPServer.Limits(connections: 20)) { _, exchange in exchange.answer(ok) }
    var idle: [Descriptor] = []
    for _ in 0..<6 {
      idle += try (0..<50).map { _ in try site.connect() }
      #expect(try site.waitFor { site.troubles.count == idle.count - 20 })
    }
    #expect(site.server?.openConnections == 20)
    let (text, _) = try site.read(site.connect(get)) { $0.hasSuffix("answer") }
    #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(site.server?.openConnections == 20)
    #expect(Set(site.troubles.map { "\($0)" }) == ["shed"])
    withExtendedLifetime(idle) {}
  }

  @Test("a connection whose request is being worked on is never the one that goes")
  func busy() throws {
    let site = try Site(HTTPServer.Limits(connections: 2))
    let working = [try site.connect(get), try site.connect(get)]
    #expect(try site.waitFor { site.exchanges.count == 2 })
    #expect(try site.read(site.connect(get)).hasEnded)
    for exchange in site.exchanges { exchange.answer(ok) }
    for client in working {
      #expect(try site.read(client) { $0.hasSuffix("answer") }.text.hasSuffix("answer"))
    }
  }

  @Test("a head that comes byte by byte has as long as any other")
  func slowHead() throws {
    let site = try Site(HTTPServer.Limits(requestTime: .milliseconds(500)))
    let client = try site.connect("G")
    var nextMs = EventLoop.monotonicMs()
    let began = nextMs
    var hasEnded = false
    _ = try site.waitFor {
      if EventLoop.monotonicMs() >= nextMs {
        nextMs += 50
        _ = client.send(Array("E".utf8))
      }
      var byte: UInt8 = 0
      let count = recv(client.number, &byte, 1, Int32(MSG_DONTWAIT))
      hasEnded = count == 0 || count < 0 && errno != EAGAIN
      return hasEnded
    }
    #expect(hasEnded)
    #expect((500..<5000).contains(EventLoop.monotonicMs() - began))
    #expect(site.troubles == [.slowRequest])
  }

  @Test("a kept connection without a request ends after the idle time, a new one too")
  func idle() throws {
    let site = try Site(HTTPServer.Limits(idleTime: .milliseconds(300))) { _, exchange in exchange.answer(ok)
    }
    let used = try site.connect(get)
    let new = try site.connect()
    #expect(try site.read(used).text.hasSuffix("answer"))
    #expect(try site.read(new) == ("", true))
    #expect(site.troubles.isEmpty)
  }

  @Test("an answer that nobody takes is given up after the send time, one that is worked on is not")
  func stalled() throws {
    let site = try Site(
      HTTPServer.Limits(
        requestTime: .milliseconds(100), idleTime: .milliseconds(100), sendTime: .milliseconds(300)))
    let client = try site.connect(get)
    #expect(try site.waitFor { site.exchanges.count == 1 })
    let later = EventLoop.monotonicMs() + 700
    #expect(try site.waitFor { EventLoop.monotonicMs() > later })
    #expect(site.server?.openConnections == 1)
    site.exchanges[0].answer(HTTPServerResponse(body: [UInt8](repeating: 1, count: 32 << 20)))
    #expect(try site.waitFor { site.server?.openConnections == 0 })
    withExtendedLifetime(client) {}
  }

  @Test("what a client sends while its answer is on its way is left in the kernel")
  func unread() throws {
    let site = try Site()
    let client = try site.connect(get)
    #expect(try site.waitFor { site.exchanges.count == 1 })
    #expect(site.exchanges[0].begin(HTTPServerResponse(body: [])))
    site.exchanges[0].send(Array("part".utf8)) {}
    let flood = [UInt8](repeating: UInt8(ascii: "y"), count: 64 << 10)
    var accepted = 0
    var calm = 0
    #expect(
      try site.waitFor {
        let count = client.send(flood)
        if count > 0 { accepted += count }
        calm = count > 0 ? 0 : calm + 1
        return calm == 200
      })
    #expect(accepted < 16 << 20)
  }
}
