import CLibevent
import Glibc

/// A small HTTP/1.1 client over libevent's evhttp: for checks and health, not for the proxy's data path.
///
/// Each request has a connection of its own, which closes with its answer. Head, body and time of an answer are
/// bounded. Made, used and released on the thread of its loop, or before the loop runs.
@safe public final class HTTPClient {
  /// What one answer may take.
  public struct Limits: Sendable {
    /// Bytes of an answer's head; past them it is malformed. 1 or more.
    public var headerBytes: Int
    /// Bytes of an answer's body that are kept; the rest is not read.
    public var bodyBytes: Int
    /// From the connection's beginning to the answer's last byte. One millisecond or more.
    public var timeout: Duration

    public init(headerBytes: Int = 64 << 10, bodyBytes: Int = 256 << 10, timeout: Duration = .seconds(10)) {
      self.headerBytes = headerBytes
      self.bodyBytes = bodyBytes
      self.timeout = timeout
    }
  }

  private let loop: EventLoop
  private let limits: Limits
  /// Those under way; each leaves when it ends.
  private var calls: [ObjectIdentifier: HTTPClientCall] = [:]

  public init(loop: EventLoop, limits: Limits = Limits()) {
    self.loop = loop
    self.limits = limits
  }

  /// Sends a request. `completion` is called once, on the loop's thread, never before this has returned.
  ///
  /// - Throws: ``EventLoopError`` when memory ran out; `completion` is not called then.
  public func send(
    _ request: HTTPClientRequest,
    completion: @escaping (Result<HTTPClientResponse, HTTPClientError>) -> Void
  ) throws(EventLoopError) {
    let call = try HTTPClientCall(loop: loop, limits: limits, request: request)
    let key = ObjectIdentifier(call)
    calls[key] = call
    call.start { [unowned self] result in
      calls[key] = nil
      completion(result)
    }
  }
}

/// One request and its answer as it comes.
///
/// Whatever ends it ends it through its timer: evhttp still stands on the connection while it calls back.
@safe final class HTTPClientCall {
  private let loop: EventLoop
  private let limits: HTTPClient.Limits
  /// Owned; freed in `deinit`, which also ends the request. evhttp has an unretained reference to this object until then.
  private let connection: OpaquePointer
  /// What `connection` speaks through, which owns it; nil without TLS.
  private let secured: OpaquePointer?
  private var timer: LoopTimer?
  private var response = HTTPClientResponse()
  private var failure: HTTPClientError?
  private var result: Result<HTTPClientResponse, HTTPClientError>?
  private var completion: ((Result<HTTPClientResponse, HTTPClientError>) -> Void)?
  private let request: HTTPClientRequest

  init(loop: EventLoop, limits: HTTPClient.Limits, request: HTTPClientRequest) throws(EventLoopError) {
    self.loop = loop
    self.limits = limits
    self.request = request
    let bufferEvent = try unsafe request.tls.map { tls throws(EventLoopError) in
      try unsafe Self.bufferEvent(loop, tls)
    }
    unsafe secured = unsafe bufferEvent.flatMap { unsafe bufferevent_openssl_get_ssl($0) }
    guard
      let connection = unsafe evhttp_connection_base_bufferevent_new(
        loop.base, nil, bufferEvent, request.address.host, request.address.port)
    else {
      if let bufferEvent = unsafe bufferEvent { unsafe bufferevent_free(bufferEvent) }
      throw .system(call: "evhttp_connection_base_bufferevent_new", errno: ENOMEM)
    }
    unsafe self.connection = unsafe connection
    unsafe evhttp_connection_set_max_headers_size(connection, limits.headerBytes)
    timer = try LoopTimer(loop: loop) { [unowned self] in timerFired() }
  }

  deinit {
    timer = nil
    unsafe evhttp_connection_free(connection)
  }

  private static func bufferEvent(
    _ loop: EventLoop, _ tls: any HTTPClientTLS
  ) throws(EventLoopError) -> OpaquePointer {
    guard let ssl = unsafe tls.makeConnection(),
      let made = unsafe bufferevent_openssl_socket_new(
        loop.base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, Int32(BEV_OPT_CLOSE_ON_FREE.rawValue))
    else { throw .system(call: "SSL_new", errno: ENOMEM) }
    // Whether an answer is whole its framing tells.
    unsafe bufferevent_openssl_set_allow_dirty_shutdown(made, 1)
    return unsafe made
  }

  /// Why TLS could not be opened; nil when it was, or something else is to blame.
  private var tlsFailure: HTTPClientError? {
    guard let secured = unsafe secured, let bufferEvent = unsafe evhttp_connection_get_bufferevent(connection)
    else { return nil }
    let code = UInt(unsafe bufferevent_get_openssl_error(bufferEvent))
    return unsafe request.tls?.failure(of: secured, code: code).map { .tls($0) }
  }

  func start(_ completion: @escaping (Result<HTTPClientResponse, HTTPClientError>) -> Void) {
    self.completion = completion
    timer?.startIfStopped(everyMs: max(1, limits.timeout.wholeMilliseconds))
    let made = unsafe evhttp_request_new(
      { request, context in
        guard let context = unsafe context else { return }
        let call = unsafe Unmanaged<HTTPClientCall>.fromOpaque(context).takeUnretainedValue()
        unsafe call.answered(request)
      }, Unmanaged.passUnretained(self).toOpaque())
    guard let made = unsafe made else { return end(.failure(.unreachable(errno: ENOMEM))) }
    unsafe evhttp_request_set_header_cb(made) { request, context in
      guard let request = unsafe request, let context = unsafe context else { return -1 }
      let call = unsafe Unmanaged<HTTPClientCall>.fromOpaque(context).takeUnretainedValue()
      unsafe call.takeHead(request)
      return 0
    }
    unsafe evhttp_request_set_chunked_cb(made) { request, context in
      guard let request = unsafe request, let context = unsafe context else { return }
      let call = unsafe Unmanaged<HTTPClientCall>.fromOpaque(context).takeUnretainedValue()
      unsafe call.takeBody(request)
    }
    unsafe evhttp_request_set_error_cb(made) { error, context in
      guard let context = unsafe context else { return }
      let call = unsafe Unmanaged<HTTPClientCall>.fromOpaque(context).takeUnretainedValue()
      call.failed(error, errno: errno)
    }
    let output = unsafe evhttp_request_get_output_headers(made)
    for (name, value) in request.headers { unsafe evhttp_add_header(output, name, value) }
    unsafe evhttp_add_header(output, "Connection", "close")
    let method = request.method == .head ? EVHTTP_REQ_HEAD : EVHTTP_REQ_GET
    // From here on the request is evhttp's.
    if unsafe evhttp_make_request(connection, made, method, request.target) != 0 {
      end(.failure(.unreachable(errno: errno)))
    }
  }

  // MARK: What evhttp tells

  private func takeHead(_ request: UnsafeMutablePointer<evhttp_request>) {
    response.status = Int(unsafe evhttp_request_get_response_code(request))
    response.headers = unsafe httpFields(evhttp_request_get_input_headers(request))
  }

  private func takeBody(_ request: UnsafeMutablePointer<evhttp_request>) {
    guard result == nil, let input = unsafe evhttp_request_get_input_buffer(request) else { return }
    let length = unsafe evbuffer_get_length(input)
    let wanted = min(length, limits.bodyBytes - response.body.count)
    let part = unsafe [UInt8](unsafeUninitializedCapacity: wanted) { bytes, count in
      unsafe count = max(0, Int(evbuffer_copyout(input, bytes.baseAddress, wanted)))
    }
    response.body += part
    if wanted < length {
      response.isWhole = false
      end(.success(response))
    }
  }

  /// - Parameter code: evhttp restores the `errno` of what failed before it tells.
  private func failed(_ error: evhttp_request_error, errno code: Int32) {
    switch error {
    case EVREQ_HTTP_EOF where [ENETUNREACH, EHOSTUNREACH, ENETDOWN, ETIMEDOUT, EACCES].contains(code):
      failure = .unreachable(errno: code)
    case EVREQ_HTTP_INVALID_HEADER, EVREQ_HTTP_DATA_TOO_LONG: failure = .malformed
    case EVREQ_HTTP_TIMEOUT: failure = .timeout
    default: failure = .closed
    }
  }

  /// The answer is whole, or there will be none; `request` is nil or without a status then.
  private func answered(_ request: UnsafeMutablePointer<evhttp_request>?) {
    guard let request = unsafe request, unsafe evhttp_request_get_response_code(request) != 0 else {
      // Without a word about an error evhttp ends a request in one case only: the connection was refused.
      return end(.failure(tlsFailure ?? failure ?? .unreachable(errno: ECONNREFUSED)))
    }
    // An answer without a body may come without a word about its head.
    if response.status == 0 { unsafe takeHead(request) }
    end(.success(response))
  }

  // MARK: The end

  private func end(_ result: Result<HTTPClientResponse, HTTPClientError>) {
    if self.result != nil { return }
    self.result = result
    timer?.stop()
    timer?.startIfStopped(everyMs: 0)
  }

  private func timerFired() {
    timer?.stop()
    loop.releaseLater(self)
    completion.take()?(result ?? .failure(.timeout))
  }
}
