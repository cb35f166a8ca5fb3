import CLibevent
import Glibc

/// A small HTTP/1.1 server over libevent's evhttp: for pages, metrics and tools, not for the proxy's data path.
///
/// Each request is handed over when its whole body is in memory and is answered before the handler returns;
/// keep-alive, framing and broken requests are evhttp's. It bounds the size and the time of each request but
/// not the number of connections, so it belongs on an address that only the operator reaches.
///
/// Made, used and released on the thread of its loop, or before the loop runs; never released by its own
/// handler.
@safe public final class HTTPServer {
  /// What one request may take before it is refused.
  public struct Limits: Sendable {
    /// Bytes of a request's head. 1 or more.
    public var headerBytes: Int
    /// Bytes of a request's body; 413 past that.
    public var bodyBytes: Int
    /// Without a byte moving on a connection, until it is closed. One millisecond or more.
    public var timeout: Duration

    public init(headerBytes: Int = 16 << 10, bodyBytes: Int = 1 << 20, timeout: Duration = .seconds(30)) {
      self.headerBytes = headerBytes
      self.bodyBytes = bodyBytes
      self.timeout = timeout
    }
  }

  /// Held so that the base outlives `http`, which is registered with it.
  private let loop: EventLoop
  /// Owned: made here, freed in `deinit`, which also closes its listeners and connections. From then on
  /// evhttp no longer knows the unretained reference to this object that it was given.
  private let http: OpaquePointer
  private let handler: (HTTPServerRequest) -> HTTPServerResponse

  /// Makes a server that listens nowhere yet.
  ///
  /// - Parameter handler: answers one request; called on the loop's thread, which it must not hold up.
  /// - Throws: ``EventLoopError/system(call:errno:)`` when memory ran out.
  public init(
    loop: EventLoop, limits: Limits = Limits(), handler: @escaping (HTTPServerRequest) -> HTTPServerResponse
  ) throws(EventLoopError) {
    guard let http = unsafe evhttp_new(loop.base) else { throw .system(call: "evhttp_new", errno: ENOMEM) }
    self.loop = loop
    unsafe self.http = unsafe http
    self.handler = handler
    unsafe evhttp_set_max_headers_size(http, limits.headerBytes)
    unsafe evhttp_set_max_body_size(http, limits.bodyBytes)
    var timeout = timeval(limits.timeout)
    unsafe evhttp_set_timeout_tv(http, &timeout)
    unsafe evhttp_set_allowed_methods(http, HTTPServerRequest.everyMethod)
    unsafe evhttp_set_default_content_type(http, nil)
    unsafe evhttp_set_gencb(
      http,
      { request, context in
        guard let request = unsafe request, let context = unsafe context else { return }
        let server = unsafe Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue()
        unsafe server.answer(request)
        server.loop.afterCallback()
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit { unsafe evhttp_free(http) }

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
    return try unsafe Self.port(of: evhttp_bound_socket_get_fd(socket))
  }

  /// Starts to accept connections on a socket that listens already, and takes it over.
  ///
  /// - Throws: ``EventLoopError/system(call:errno:)`` when memory or descriptors ran out.
  public func listen(on socket: consuming ListeningSocket) throws(EventLoopError) {
    // evhttp closes what it accepts on, and `socket` closes its own.
    let descriptor = fcntl(socket.descriptor, F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0 else { throw .system(call: "fcntl", errno: errno) }
    guard unsafe evhttp_accept_socket_with_handle(http, descriptor) != nil else {
      close(descriptor)
      throw .system(call: "evhttp_accept_socket", errno: ENOMEM)
    }
  }

  private static func port(of descriptor: Int32) throws(EventLoopError) -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    // The storage is larger than any address of the families that libevent binds.
    let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe getsockname(descriptor, address, &length)
      }
    }
    guard result == 0 else { throw .system(call: "getsockname", errno: errno) }
    // The port stands at the same place in sockaddr_in and sockaddr_in6: after the family.
    return unsafe withUnsafeBytes(of: &storage) { bytes in
      unsafe UInt16(bigEndian: bytes.load(fromByteOffset: 2, as: UInt16.self))
    }
  }

  /// Answers one request. evhttp owns `request` and frees it once the reply has left.
  private func answer(_ request: UnsafeMutablePointer<evhttp_request>) {
    let asked = unsafe HTTPServerRequest(copying: request)
    var response = handler(asked)
    let output = unsafe evhttp_request_get_output_headers(request)
    for (name, value) in response.headers {
      // evhttp refuses a name or value that would break out of its line.
      if unsafe evhttp_add_header(output, name, value) != 0 {
        unsafe evhttp_clear_headers(output)
        response = HTTPServerResponse(
          status: 500, text: "the answer had a header field that cannot be sent\n")
        unsafe evhttp_add_header(output, "Content-Type", HTTPServerResponse.plainText)
        break
      }
    }
    guard asked.method != "HEAD" else {
      unsafe evhttp_add_header(output, "Content-Length", String(response.body.count))
      unsafe evhttp_send_reply(request, Int32(response.status), nil, nil)
      return
    }
    guard let body = unsafe evbuffer_new() else {
      unsafe evhttp_send_error(request, HTTP_SERVUNAVAIL, nil)
      return
    }
    defer { unsafe evbuffer_free(body) }
    _ = unsafe response.body.withUnsafeBytes { unsafe evbuffer_add(body, $0.baseAddress, $0.count) }
    unsafe evhttp_send_reply(request, Int32(response.status), nil, body)
  }
}

extension timeval {
  /// The duration cut to microseconds.
  fileprivate init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(
      tv_sec: time_t(seconds), tv_usec: suseconds_t(attoseconds / 1_000_000_000_000))
  }
}
