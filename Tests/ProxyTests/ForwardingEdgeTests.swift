import Glibc
import HTTP1
import Logging
import Testing
import URLMap

@testable import Proxy

@Suite("Heads at the edges of what is passed on")
struct ForwardingEdgeTests {
  private func forward(_ message: String) throws -> String {
    let sender = Sender(peer: try peerNamed("192.0.2.7"))
    return try withRequest(message) { head, fields, bytes in
      var writer = ByteWriter(capacity: 16)
      RequestWriter.write(
        head, fields: fields, bytes: bytes, shape: RequestShape(),
        fallbackHost: Array("origin.internal:81".utf8),
        sender: sender, policy: ForwardingPolicy(writesForwarded: false, writesVia: false),
        into: &writer)
      return text(writer)
    }
  }

  @Test("an absolute target without a Host field is the Host")
  func absoluteWithoutHost() throws {
    #expect(try forward("GET http://n/a HTTP/1.0\r\n\r\n") == "GET /a HTTP/1.1\r\nHost: n\r\n\r\n")
  }

  @Test("what Connection names is dropped, X-Forwarded-For too when it is the client's")
  func namedForwarded() throws {
    let request = "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: a\r\nConnection: x-forwarded-for\r\n\r\n"
    #expect(try forward(request) == "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
  }

  @Test("a client that speaks HTTP/1.0 can't be waiting for a 100")
  func expectInOldVersion() throws {
    let request = "POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
    #expect(try forward(request) == "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n")
  }

  @Test("a Location that Connection names is dropped")
  func namedLocation() throws {
    let answer = "HTTP/1.1 302 F\r\nLocation: /a\r\nConnection: location\r\nContent-Length: 0\r\n\r\n"
    let written = try withAnswer(answer) { head, fields, bytes in
      var writer = ByteWriter(capacity: 16)
      AnswerWriter.write(
        head, fields: fields, bytes: bytes, shape: AnswerShape(isChunked: false, connection: nil, route: nil),
        source: .new(nil), publicAuthority: [UInt8]().span.bytes, into: &writer)
      return text(writer)
    }
    #expect(written == "HTTP/1.1 302 F\r\nContent-Length: 0\r\n\r\n")
  }

  @Test("a start that fails leaves no unix socket's file behind")
  func failedStart() throws {
    let folder = try Folder()
    let taken = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(taken) }
    let port = try listenOnLoopback(taken)
    let nowhere = OriginAddress(host: "127.0.0.1", port: 1)
    let configuration = ProxyConfiguration(
      listeners: [.unix(path: folder.path + "/s"), .tcp(host: "127.0.0.1", port: port)],
      newServers: [nowhere],
      oldServers: [nowhere], workers: 1, fallbackOn: try StatusSet(parsing: "404"),
      learnOn: try StatusSet(parsing: "2xx"), oldMissOn: try StatusSet(parsing: "404"))
    let server = ProxyServer(
      configuration, map: URLMap(.init(maxURLs: 100)), accessLog: nil, logger: Logger(label: "test"))
    #expect(throws: ProxyStartError.self) { try server.start() }
    #expect(folder.names == [])
  }
}
