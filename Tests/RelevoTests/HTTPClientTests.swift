import EventLoop
import Glibc
import Testing

/// The client against the server of the same loop.
@Suite("the small HTTP client")
struct HTTPClientTests {
  /// What becomes of one request when `handler` answers it.
  private func ask(
    _ target: String = "/", method: HTTPClientRequest.Method = .get, limits: HTTPClient.Limits = .init(),
    _ handler: @escaping (HTTPServerRequest) -> HTTPServerResponse
  ) throws -> Result<HTTPClientResponse, HTTPClientError> {
    let loop = try EventLoop()
    let server = try HTTPServer(loop: loop, handler: handler)
    let port = try server.listen(host: "127.0.0.1", port: 0)
    return try withExtendedLifetime(server) { try ask(loop, port, target, method, limits) }
  }

  private func ask(
    _ loop: EventLoop, _ port: UInt16, _ target: String, _ method: HTTPClientRequest.Method,
    _ limits: HTTPClient.Limits
  ) throws -> Result<HTTPClientResponse, HTTPClientError> {
    let client = HTTPClient(loop: loop, limits: limits)
    var outcome: Result<HTTPClientResponse, HTTPClientError>?
    let request = HTTPClientRequest(
      method: method, address: try SocketAddress.resolve(host: "127.0.0.1", port: port)[0], target: target,
      headers: [("Host", "site.test"), ("X-A", "1"), ("X-A", "2")])
    try client.send(request) {
      outcome = $0
      loop.stop()
    }
    #expect(outcome == nil, "never before send has returned")
    loop.run()
    return try #require(outcome)
  }

  @Test("sends its fields and hands status, fields and body over")
  func answers() throws {
    let response = try ask("/a?b=c") { request in
      #expect(request.method == "GET" && request.target == "/a?b=c")
      #expect(request.headers.filter { $0.name == "X-A" }.map(\.value) == ["1", "2"])
      #expect(request.header("host") == "site.test" && request.header("Connection") == "close")
      return HTTPServerResponse(
        status: 404, headers: [("Set-Cookie", "a=1"), ("set-cookie", "b=2")], body: Array("gone".utf8))
    }.get()
    #expect(response.status == 404 && response.isWhole)
    #expect(response.body == Array("gone".utf8))
    #expect(response.values(of: "SET-COOKIE") == ["a=1", "b=2"])
  }

  @Test("HEAD and an empty body have none", arguments: [HTTPClientRequest.Method.head, .get])
  func empty(method: HTTPClientRequest.Method) throws {
    let body: [UInt8] = method == .head ? Array("head".utf8) : []
    let response = try ask(method: method) { _ in HTTPServerResponse(body: body) }.get()
    #expect(response.status == 200 && response.body.isEmpty && response.isWhole)
    #expect(response.header("content-length") == "\(body.count)")
  }

  @Test("a body is kept up to the limit, and no more is read", arguments: [999, 1_000, 1_001, 3_000_000])
  func limit(count: Int) throws {
    let limits = HTTPClient.Limits(bodyBytes: 1_000)
    let response = try ask(limits: limits) { _ in
      HTTPServerResponse(body: [UInt8](repeating: 7, count: count))
    }.get()
    #expect(response.body.count == min(count, 1_000))
    #expect(response.isWhole == (count <= 1_000))
  }

  @Test("a head longer than the limit is malformed")
  func longHead() throws {
    let result = try ask(limits: HTTPClient.Limits(headerBytes: 1_000)) { _ in
      HTTPServerResponse(headers: [("X", String(repeating: "x", count: 2_000))], body: [])
    }
    #expect(throws: HTTPClientError.malformed) { try result.get() }
  }

  @Test("a refused connection is told as that")
  func refused() throws {
    let result = try ask(try EventLoop(), 1, "/", .get, .init())
    #expect(throws: HTTPClientError.unreachable(errno: ECONNREFUSED)) { try result.get() }
  }

  @Test("who does not answer in time is given up")
  func silent() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && listen(descriptor, 4) == 0
          ? getsockname(descriptor, $0, &size) : -1
      }
    }
    try #require(code == 0)
    let limits = HTTPClient.Limits(timeout: .milliseconds(100))
    let result = try ask(try EventLoop(), UInt16(bigEndian: address.sin_port), "/", .get, limits)
    #expect(throws: HTTPClientError.timeout) { try result.get() }
  }
}
