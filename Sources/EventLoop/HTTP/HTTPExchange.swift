import CLibevent

/// A request to an ``HTTPServer`` whose answer is owed: whole, or in parts, now or later.
///
/// For the loop's thread only. The client may leave at any time: what is answered then goes nowhere, and `onClose` tells
/// of it. Who lets go of an exchange without an answer leaves the client waiting until it gives up.
@safe public final class HTTPExchange {
  /// Evhttp's request. From the handler's call until the last byte of the answer is handed over evhttp leaves it to us; a
  /// connection that breaks meanwhile only lets go of it, and it is ours to free. Nil from then on.
  private var request: UnsafeMutablePointer<evhttp_request>?
  private let connection: HTTPConnection
  private let isHead: Bool
  private var isStreaming = false
  private var whenTaken: (() -> Void)?
  /// Called once if the connection closes before the whole answer was handed over.
  public var onClose: (() -> Void)?

  @unsafe init(_ request: UnsafeMutablePointer<evhttp_request>, on connection: HTTPConnection) {
    unsafe self.request = unsafe request
    self.connection = connection
    isHead = unsafe evhttp_request_get_command(request) == EVHTTP_REQ_HEAD
    // The connection lives as long as evhttp's.
    unsafe evhttp_request_set_on_complete_cb(
      request,
      { _, context in
        guard let context = unsafe context else { return }
        unsafe Unmanaged<HTTPConnection>.fromOpaque(context).takeUnretainedValue().sent()
      }, Unmanaged.passUnretained(connection).toOpaque())
    if unsafe HTTPServerRequest.endsConnection(request) {
      unsafe evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close")
    }
  }

  /// Whether nobody waits for an answer any more: it was given, or the client is gone.
  public var isOver: Bool { unsafe request == nil }

  // MARK: Whole

  /// Answers. Does nothing when the exchange is over, or its answer has begun.
  public func answer(_ response: HTTPServerResponse) {
    guard let request = unsafe request, !isStreaming else { return }
    let response = unsafe Self.setHeaders(of: response, on: request)
    if isHead {
      unsafe evhttp_add_header(
        evhttp_request_get_output_headers(request), "Content-Length", String(response.body.count))
    }
    let body = unsafe response.body.isEmpty || isHead ? nil : evbuffer_new()
    defer { if let body = unsafe body { unsafe evbuffer_free(body) } }
    if let body = unsafe body {
      _ = unsafe response.body.withUnsafeBytes { unsafe evbuffer_add(body, $0.baseAddress, $0.count) }
    }
    handOver()
    unsafe evhttp_send_reply(request, Int32(response.status), nil, body)
    connection.stopReading()
  }

  // MARK: In parts

  /// Sends the head of an answer that comes in parts; its body is ignored.
  ///
  /// - Returns: whether parts are wanted: not for HEAD, and not when the exchange is over.
  public func begin(_ head: HTTPServerResponse) -> Bool {
    guard let request = unsafe request, !isStreaming else { return false }
    let head = unsafe Self.setHeaders(of: head, on: request)
    guard !isHead else {
      handOver()
      unsafe evhttp_send_reply(request, Int32(head.status), nil, nil)
      connection.stopReading()
      return false
    }
    isStreaming = true
    // Without chunks the connection's end is the answer's.
    if unsafe request.pointee.major == 1, unsafe request.pointee.minor == 0 {
      unsafe evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close")
    }
    unsafe evhttp_send_reply_start(request, Int32(head.status), nil)
    connection.stopReading()
    return true
  }

  /// Sends a part of the body, not empty, and calls `whenTaken` when the kernel has all of it: only then should the next
  /// part follow. It is not called when the connection closes first.
  public func send(_ part: [UInt8], whenTaken: @escaping () -> Void) {
    guard let request = unsafe request, isStreaming, let buffer = unsafe evbuffer_new() else { return }
    defer { unsafe evbuffer_free(buffer) }
    _ = unsafe part.withUnsafeBytes { unsafe evbuffer_add(buffer, $0.baseAddress, $0.count) }
    self.whenTaken = whenTaken
    // Called while evhttp has the request, and so while the connection has this object.
    unsafe evhttp_send_reply_chunk_with_cb(
      request, buffer,
      { _, context in
        guard let context = unsafe context else { return }
        unsafe Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue().taken()
      }, Unmanaged.passUnretained(self).toOpaque())
    connection.stopReading()
  }

  private func taken() {
    let whenTaken = whenTaken.take()
    whenTaken?()
  }

  /// Ends an answer in parts.
  public func end() {
    guard let request = unsafe request, isStreaming else { return }
    handOver()
    unsafe evhttp_send_reply_end(request)
    connection.stopReading()
  }

  /// Ends it so that the client sees that the answer is not whole.
  public func cut() {
    guard unsafe request != nil else { return }
    connection.close()
  }

  // MARK: Ownership

  /// From here on evhttp frees the request.
  private func handOver() {
    unsafe request = nil
    whenTaken = nil
    onClose = nil
    connection.answered()
  }

  func connectionClosed() {
    if let request = unsafe request, unsafe evhttp_request_get_connection(request) == nil {
      unsafe evhttp_request_free(request)
    }
    unsafe request = nil
    whenTaken = nil
    let onClose = onClose.take()
    onClose?()
  }

  /// Gives the answer's fields to evhttp, which refuses a name or value that would break out of its line.
  private static func setHeaders(
    of response: HTTPServerResponse, on request: UnsafeMutablePointer<evhttp_request>
  ) -> HTTPServerResponse {
    let output = unsafe evhttp_request_get_output_headers(request)
    for (name, value) in response.headers where unsafe evhttp_add_header(output, name, value) != 0 {
      unsafe evhttp_clear_headers(output)
      unsafe evhttp_add_header(output, "Content-Type", HTTPServerResponse.plainText)
      return HTTPServerResponse(status: 500, text: "the answer had a header field that cannot be sent\n")
    }
    return response
  }
}
