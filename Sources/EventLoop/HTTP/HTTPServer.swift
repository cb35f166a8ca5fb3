import CLibevent
import Glibc

/// A small HTTP/1.1 server over libevent's evhttp: for pages, metrics and tools, not for the proxy's data path.
///
/// Each request is handed over when its whole body is in memory, and may be answered at once, later, or in parts: see
/// ``HTTPExchange``. Keep-alive, framing and broken requests are evhttp's; how much of head and body, how long and how
/// many connections there may be is bounded: see ``Limits-swift.struct``.
///
/// Made, used and released on the thread of its loop, or before the loop runs; never released by its own
/// handler. The process must ignore SIGPIPE: libevent writes to clients that may be gone.
@safe public final class HTTPServer {
  /// What clients may take before they are refused or closed.
  public struct Limits: Sendable {
    /// Bytes of a request's head; 400 past that. 1 or more.
    public var headerBytes: Int
    /// Bytes of a request's body; 413 past that.
    public var bodyBytes: Int
    /// From the first byte of a request to its last, however slowly they come.
    public var requestTime: Duration
    /// Without a request, until a connection is closed.
    public var idleTime: Duration
    /// Without a byte of an answer taken, until the connection is closed.
    public var sendTime: Duration
    /// Connections at once. One more ends the one that has waited longest for a request or with an answer; only
    /// those whose request is being worked on are left alone.
    public var connections: Int

    public init(
      headerBytes: Int = 16 << 10, bodyBytes: Int = 1 << 20, requestTime: Duration = .seconds(10),
      idleTime: Duration = .seconds(60), sendTime: Duration = .seconds(30), connections: Int = 1024
    ) {
      self.headerBytes = headerBytes
      self.bodyBytes = bodyBytes
      self.requestTime = requestTime
      self.idleTime = idleTime
      self.sendTime = sendTime
      self.connections = max(1, connections)
    }
  }

  /// Held so that the base outlives `http`, which is registered with it.
  private let loop: EventLoop
  /// Owned: made here, freed in `deinit`, which also closes its listeners and connections. From then on
  /// evhttp no longer knows the unretained reference to this object that it was given.
  private let http: OpaquePointer
  private let connections: HTTPConnections
  /// Evhttp's, for the addresses that it accepts on.
  private var bound: [OpaquePointer] = unsafe []
  private let handler: (HTTPServerRequest, HTTPExchange) -> Void

  /// Makes a server that listens nowhere yet.
  ///
  /// - Parameters:
  ///   - errorFields: written into the pages by which evhttp itself refuses what is malformed or too long (400, 413, 417).
  ///   - handler: gets each request and what answers it; called on the loop's thread, which it must not hold up.
  /// - Throws: ``EventLoopError/system(call:errno:)`` when memory ran out.
  public init(
    loop: EventLoop, limits: Limits = Limits(), errorFields: [(name: String, value: String)] = [],
    handler: @escaping (HTTPServerRequest, HTTPExchange) -> Void
  ) throws(EventLoopError) {
    guard let http = unsafe evhttp_new(loop.base) else { throw .system(call: "evhttp_new", errno: ENOMEM) }
    self.loop = loop
    unsafe self.http = unsafe http
    self.handler = handler
    do {
      connections = try HTTPConnections(loop: loop, limits: limits, errorFields: errorFields)
    } catch {
      unsafe evhttp_free(http)
      throw error
    }
    unsafe evhttp_set_max_headers_size(http, limits.headerBytes)
    unsafe evhttp_set_max_body_size(http, limits.bodyBytes)
    // A body past the limit is read to its end and forgotten: with unread bytes the answer would be lost to a reset.
    unsafe evhttp_set_flags(http, EVHTTP_SERVER_LINGERING_CLOSE)
    // Those that it does not know too: the handler refuses them, in its own words.
    unsafe evhttp_set_allowed_methods(http, .max)
    unsafe evhttp_set_default_content_type(http, nil)
    unsafe connections.watch(http)
    unsafe evhttp_set_gencb(
      http,
      { request, context in
        guard let request = unsafe request, let context = unsafe context else { return }
        let server = unsafe Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue()
        unsafe server.received(request)
        server.loop.afterCallback()
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// A server whose handler has its answers at once. A method that evhttp has no name for gets 501.
  public convenience init(
    loop: EventLoop, limits: Limits = Limits(), handler: @escaping (HTTPServerRequest) -> HTTPServerResponse
  ) throws(EventLoopError) {
    try self.init(loop: loop, limits: limits) { request, exchange in
      exchange.answer(
        request.method.isEmpty
          ? HTTPServerResponse(status: 501, text: "this method is not known here\n") : handler(request))
    }
  }

  deinit {
    connections.closeAll()
    unsafe evhttp_free(http)
  }

  /// Called when a connection is refused or closed before its time, on the loop's thread.
  public var onTrouble: ((HTTPServerTrouble) -> Void)? {
    get { connections.onTrouble }
    set { connections.onTrouble = newValue }
  }

  /// Connections that are open now.
  public var openConnections: Int { connections.count }

  // MARK: Listening

  /// Starts to accept connections on one more address.
  ///
  /// - Parameters:
  ///   - host: a numeric IPv4 or IPv6 address without brackets.
  ///   - port: 0 lets the kernel choose.
  /// - Returns: the port that it listens on.
  /// - Throws: ``EventLoopError/system(call:errno:)``, with `EADDRINUSE` when another process listens there.
  @discardableResult
  public func listen(host: String, port: UInt16) throws(EventLoopError) -> UInt16 {
    guard let socket = unsafe evhttp_bind_socket_with_handle(http, host, port) else {
      throw .system(call: "bind \(host) port \(port)", errno: errno)
    }
    unsafe bound.append(socket)
    unsafe connections.watch(listener: evhttp_bound_socket_get_listener(socket))
    let address = SocketAddress(of: unsafe evhttp_bound_socket_get_fd(socket), peer: false)
    guard let address else { throw .system(call: "getsockname", errno: errno) }
    return address.port
  }

  /// Starts to accept connections on a socket that listens already, and takes it over.
  ///
  /// - Throws: ``EventLoopError/system(call:errno:)`` when memory or descriptors ran out.
  public func listen(on socket: consuming ListeningSocket) throws(EventLoopError) {
    // evhttp closes what it accepts on, and `socket` closes its own.
    let descriptor = fcntl(socket.descriptor, F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0 else { throw .system(call: "fcntl", errno: errno) }
    _ = Glibc.listen(descriptor, HTTPConnections.backlog)
    guard let bound = unsafe evhttp_accept_socket_with_handle(http, descriptor) else {
      close(descriptor)
      throw .system(call: "evhttp_accept_socket", errno: ENOMEM)
    }
    unsafe self.bound.append(bound)
    unsafe connections.watch(listener: evhttp_bound_socket_get_listener(bound))
  }

  /// Accepts nobody more, closes idle connections, and the others after their answers.
  public func stopListening() {
    connections.leave()
    while let socket = unsafe bound.popLast() { unsafe evhttp_del_accept_socket(http, socket) }
  }

  // MARK: Requests

  private func received(_ request: UnsafeMutablePointer<evhttp_request>) {
    guard let connection = unsafe connections.connection(of: request) else {
      // Not known: memory ran out when it was accepted.
      unsafe evhttp_send_error(request, HTTP_SERVUNAVAIL, nil)
      return
    }
    let exchange = unsafe HTTPExchange(request, on: connection)
    connection.begin(exchange)
    handler(unsafe HTTPServerRequest(copying: request), exchange)
  }
}

/// Why an ``HTTPServer`` closed or refused a connection.
public enum HTTPServerTrouble: Sendable, Equatable {
  /// There were too many.
  case shed
  /// A request took too long to arrive.
  case slowRequest
  /// A request was malformed, or longer than the limits: the handler has not seen it.
  case badRequest
}

extension timeval {
  /// The duration cut to microseconds.
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(
      tv_sec: time_t(seconds), tv_usec: suseconds_t(attoseconds / 1_000_000_000_000))
  }
}
