import CLibevent
import Glibc

/// The connections of an ``HTTPServer``: how many there may be, and how long each may take.
///
/// evhttp of libevent 2.1 bounds neither, and tells of a connection only when its first request is whole. What it offers
/// is a hook that makes a connection's buffer event, before there is the connection:
///
///     accept → makeBufferEvent → evhttp makes the connection, and makes it the buffer event's context
///     the same turn of the loop → adopt: from the buffer event to the connection, which gets a close callback
///     evhttp frees the connection → the close callback → it is forgotten here
///
/// Nothing can happen on the connection before `adopt`: its descriptor is not polled before the next turn.
@safe final class HTTPConnections {
  /// How often times are looked at.
  private static let sweepMs: UInt64 = 250
  /// Connections that may wait to be accepted: as many are accepted in one turn, past any limit.
  static let backlog: Int32 = 128

  private let loop: EventLoop
  private let limits: HTTPServer.Limits
  /// Field lines for evhttp's own answers.
  private let errorFields: [UInt8]
  /// By evhttp's connections, which evhttp owns.
  private var open: [OpaquePointer: HTTPConnection] = unsafe [:]
  /// Buffer events whose connections are not known yet, with a reference to each.
  private var newcomers: [OpaquePointer] = unsafe []
  /// Owned; freed in `deinit`.
  private var adoption: OpaquePointer?
  private var timer: LoopTimer?
  /// Nobody new comes.
  private var isLeaving = false
  /// How long a request may still come on an idle connection then.
  private static let farewellMs: UInt64 = 1_000
  /// Evhttp's; they live as long as it, or until ``leave()``.
  private var listeners: [OpaquePointer] = unsafe []
  var onTrouble: ((HTTPServerTrouble) -> Void)?

  init(
    loop: EventLoop, limits: HTTPServer.Limits, errorFields: [(name: String, value: String)]
  ) throws(EventLoopError) {
    self.loop = loop
    self.limits = limits
    self.errorFields = errorFields.flatMap { Array("\($0.name): \($0.value)\r\n".utf8) }
    unsafe adoption = unsafe event_new(
      loop.base, -1, 0,
      { _, _, context in
        guard let context = unsafe context else { return }
        let connections = unsafe Unmanaged<HTTPConnections>.fromOpaque(context).takeUnretainedValue()
        connections.adopt()
        connections.loop.afterCallback()
      }, Unmanaged.passUnretained(self).toOpaque())
    if unsafe adoption == nil { throw .system(call: "event_new", errno: ENOMEM) }
    timer = try LoopTimer(loop: loop) { [unowned self] in sweep() }
  }

  deinit {
    if let adoption = unsafe adoption { unsafe event_free(adoption) }
  }

  var count: Int { unsafe open.count }

  /// Takes note of what `http` accepts. This object must live as long as it.
  @unsafe func watch(_ http: OpaquePointer) {
    unsafe evhttp_set_bevcb(
      http,
      { base, context in
        guard let base = unsafe base, let context = unsafe context else { return nil }
        let connections = unsafe Unmanaged<HTTPConnections>.fromOpaque(context).takeUnretainedValue()
        return unsafe connections.makeBufferEvent(base)
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// Lets `listener` rest for a moment when it can't accept, where evhttp would try without end.
  @unsafe func watch(listener: OpaquePointer?) {
    guard let listener = unsafe listener else { return }
    unsafe evconnlistener_set_error_cb(listener) { listener, _ in unsafe evconnlistener_disable(listener) }
    unsafe listeners.append(listener)
    timer?.startIfStopped(everyMs: Self.sweepMs)
  }

  /// The connection of a request that evhttp hands over.
  @unsafe func connection(of request: UnsafeMutablePointer<evhttp_request>) -> HTTPConnection? {
    guard let evcon = unsafe evhttp_request_get_connection(request) else { return nil }
    return unsafe open[evcon]
  }

  // MARK: Coming

  private func makeBufferEvent(_ base: OpaquePointer) -> OpaquePointer? {
    // evhttp closes the descriptor itself.
    guard let adoption = unsafe adoption, let bufferEvent = unsafe bufferevent_socket_new(base, -1, 0) else {
      return nil
    }
    unsafe bufferevent_incref(bufferEvent)
    unsafe newcomers.append(bufferEvent)
    unsafe event_active(adoption, Int32(EV_TIMEOUT), 0)
    return unsafe bufferEvent
  }

  private func adopt() {
    while let bufferEvent = unsafe newcomers.popLast() {
      var context: UnsafeMutableRawPointer?
      unsafe bufferevent_getcb(bufferEvent, nil, nil, nil, &context)
      // The context is gone with a connection that could not be made.
      if let context = unsafe context { unsafe adopt(OpaquePointer(context), bufferEvent) }
      _ = unsafe bufferevent_decref(bufferEvent)
    }
  }

  private func adopt(_ evcon: OpaquePointer, _ bufferEvent: OpaquePointer) {
    let connection = unsafe HTTPConnection(
      evcon, bufferEvent, sendTime: limits.sendTime, errorFields: errorFields)
    connection.onClose = { [unowned self] in unsafe open[evcon] = nil }
    connection.onRefusal = { [unowned self] in onTrouble?(.badRequest) }
    unsafe open[evcon] = connection
    if count > limits.connections { shed(sparing: connection) }
  }

  /// Ends the connection that has waited longest; the new one if all others are busy.
  private func shed(sparing newest: HTTPConnection) {
    let victim = unsafe open.values.filter { $0 !== newest && $0.mayBeShed }.min { $0.sinceMs < $1.sinceMs }
    onTrouble?(.shed)
    (victim ?? newest).close()
  }

  // MARK: Going

  private func sweep() {
    for index in unsafe listeners.indices { _ = unsafe evconnlistener_enable(listeners[index]) }
    let nowMs = EventLoop.monotonicMs()
    for connection in unsafe Array(open.values) {
      switch connection.phase {
      case .idle where nowMs >= connection.sinceMs + idleMs:
        connection.close()
      case .receiving where nowMs >= connection.sinceMs + limits.requestTime.wholeMilliseconds:
        onTrouble?(.slowRequest)
        connection.close()
      case .idle, .receiving, .working, .sending: break
      }
    }
  }

  private var idleMs: UInt64 { isLeaving ? Self.farewellMs : limits.idleTime.wholeMilliseconds }

  /// Before evhttp frees its listeners: from now on connections end when they have nothing to do.
  func leave() {
    isLeaving = true
    unsafe listeners = []
  }

  /// Before evhttp is freed, which closes all connections without a word.
  func closeAll() {
    adopt()
    for connection in unsafe Array(open.values) { connection.close() }
    timer = nil
  }
}

/// One connection of an ``HTTPServer``.
@safe final class HTTPConnection {
  enum Phase {
    /// No byte of a request is there.
    case idle
    /// A part of a request is there.
    case receiving
    /// A request is with the handler, or its answer is sent in parts.
    case working(HTTPExchange)
    /// The whole answer is on its way.
    case sending
  }

  /// Evhttp's; nil once it is freed.
  private var evcon: OpaquePointer?
  /// Evhttp's; lives as long as `evcon`.
  private let bufferEvent: OpaquePointer
  /// The buffer event's.
  private var inputWatch: OpaquePointer?
  /// The buffer event's.
  private var outputWatch: OpaquePointer?
  /// Field lines for evhttp's own answers.
  private let errorFields: [UInt8]
  /// Called when evhttp frees it.
  var onClose: (() -> Void)?
  /// Called when evhttp answers a request itself.
  var onRefusal: (() -> Void)?
  private(set) var phase = Phase.idle
  /// When the phase began.
  private(set) var sinceMs = EventLoop.monotonicMs()

  @unsafe init(
    _ evcon: OpaquePointer, _ bufferEvent: OpaquePointer, sendTime: Duration, errorFields: [UInt8]
  ) {
    unsafe self.evcon = unsafe evcon
    unsafe self.bufferEvent = unsafe bufferEvent
    self.errorFields = errorFields
    // The callbacks end with the connection, and so before this object, which is kept until then.
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe evhttp_connection_set_closecb(
      evcon,
      { _, context in
        guard let context = unsafe context else { return }
        unsafe Unmanaged<HTTPConnection>.fromOpaque(context).takeUnretainedValue().closed()
      }, context)
    unsafe inputWatch = unsafe evbuffer_add_cb(
      bufferevent_get_input(bufferEvent),
      { _, change, context in
        guard let change = unsafe change, let context = unsafe context, unsafe change.pointee.n_added > 0
        else {
          return
        }
        unsafe Unmanaged<HTTPConnection>.fromOpaque(context).takeUnretainedValue().received()
      }, context)
    unsafe outputWatch = unsafe evbuffer_add_cb(
      bufferevent_get_output(bufferEvent),
      { output, change, context in
        guard let output = unsafe output, let change = unsafe change, let context = unsafe context,
          unsafe change.pointee.n_added > 0
        else {
          return
        }
        let connection = unsafe Unmanaged<HTTPConnection>.fromOpaque(context).takeUnretainedValue()
        unsafe connection.wrote(to: output, behind: change.pointee.orig_size)
      }, context)
    // What is read has its limits in the sweep.
    var sendTime = timeval(sendTime)
    unsafe bufferevent_set_timeouts(bufferEvent, nil, &sendTime)
  }

  /// Whether a newer connection may take its place.
  var mayBeShed: Bool {
    switch phase {
    case .idle, .receiving, .sending: true
    case .working: false
    }
  }

  private func enter(_ phase: Phase) {
    self.phase = phase
    sinceMs = EventLoop.monotonicMs()
  }

  private func received() {
    if case .idle = phase { enter(.receiving) }
  }

  /// Adds the fields to a page of evhttp's own. evhttp 2.1 has no other way: it writes the page without a word, the
  /// status line first and by itself, and what is added to the buffer right then stands between that and its own fields.
  private func wrote(to output: OpaquePointer, behind length: Int) {
    switch phase {
    case .working, .sending: return
    case .idle, .receiving: break
    }
    // `HTTP/1.1 4…`; an interim answer, `HTTP/1.1 100 Continue`, is none. evhttp prints the line into one piece of memory.
    let statusPlace = 9
    var position = unsafe evbuffer_ptr()
    var line = unsafe iovec()
    guard unsafe evbuffer_ptr_set(output, &position, length, EVBUFFER_PTR_SET) == 0,
      unsafe evbuffer_peek(output, statusPlace + 1, &position, &line, 1) == 1
    else { return }
    // It lies in the buffer, which does not change before it was read.
    let bytes = unsafe UnsafeRawBufferPointer(start: line.iov_base, count: line.iov_len)
    guard bytes.count > statusPlace, unsafe bytes[statusPlace] >= UInt8(ascii: "4") else { return }
    enter(.sending)
    _ = unsafe errorFields.withUnsafeBytes { unsafe evbuffer_add(output, $0.baseAddress, $0.count) }
    onRefusal?()
  }

  func begin(_ exchange: HTTPExchange) { enter(.working(exchange)) }

  /// The whole answer was handed over.
  func answered() {
    if case .working = phase { enter(.sending) }
  }

  /// The whole answer was sent.
  func sent() {
    let hasMore = unsafe evbuffer_get_length(bufferevent_get_input(bufferEvent)) > 0
    enter(hasMore ? .receiving : .idle)
  }

  /// Leaves what comes next unread. evhttp reads on while it writes, without a bound, and takes a client that has ended
  /// its side for one that is gone. It reads again after the answer.
  func stopReading() {
    if unsafe evcon != nil { _ = unsafe bufferevent_disable(bufferEvent, Int16(EV_READ)) }
  }

  /// Closes it now. Not for the callback of its own request.
  func close() {
    if let evcon = unsafe evcon { unsafe evhttp_connection_free(evcon) }
  }

  /// evhttp frees the connection.
  private func closed() {
    unsafe evcon = nil
    if let inputWatch = unsafe inputWatch {
      _ = unsafe evbuffer_remove_cb_entry(bufferevent_get_input(bufferEvent), inputWatch)
    }
    if let outputWatch = unsafe outputWatch {
      _ = unsafe evbuffer_remove_cb_entry(bufferevent_get_output(bufferEvent), outputWatch)
    }
    let phase = phase
    self.phase = .sending
    if case .working(let exchange) = phase { exchange.connectionClosed() }
    onClose?()
  }
}
