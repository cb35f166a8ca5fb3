import CNghttp2
import EventLoop
import HTTP1

/// The frames of one client's connection (RFC 9113), read and written by nghttp2. It has no socket: its owner, which is a
/// subclass, hands in what was received (``take(_:)``), sends what stands in ``frames``, and makes a socket of each stream.
///
///     received bytes → take → HTTP2Stream → a socket's user        (one for each stream)
///     frames to send ← writeFrames ← HTTP2Stream ← its answer
///
/// Used on the loop's thread only. What it tells its owner, it does not tell from inside nghttp2, where nothing may be asked
/// of that in turn; but for ``framesAreDue()`` and ``sendFrames()``.
@safe open class HTTP2Session {
  /// A frame's header (RFC 9113, 4.1).
  private static let frameHeadBytes = 9
  /// A frame with less content than this waits for room.
  private static let leastContentBytes = 1 << 10
  /// Content of a frame that is less than this comes from nobody in earnest.
  private static let tinyBytes = 16

  /// Frames that the socket has not taken yet.
  public final var frames: Buffer
  /// Why the connection ends, in nghttp2's words; nil as long as nobody has broken a rule.
  public private(set) final var failure: String?

  /// Owned; freed in `deinit`.
  private final var session: OpaquePointer?
  /// A frame of nghttp2's that found no room; valid until that writes the next one.
  private final var rest: UnsafeRawBufferPointer
  /// By their identifiers, from the first byte of their requests until the last of their answers.
  private final var streams: [Int32: HTTP2Stream] = [:]
  /// Whose request is coming in at the moment.
  private final var incoming: HTTP2Stream?
  private final var request: TranslatedRequest
  /// To be told to the owner: whose requests have come, and who is not wanted any more.
  private final var begun: [HTTP2Stream] = []
  private final var broken: [HTTP2Stream] = []
  /// Their sockets wait for another request.
  private final var idle: [HTTP2Stream] = []
  private final var waiting: [HTTP2Stream] = []
  private final var refusals = 0
  private final var gate = FloodGate()
  private final let answerLimits: HeadLimits
  private final var answerFields: FieldTable
  private final var section: FieldVector

  /// - Parameters:
  ///   - heads: of requests, counted as HTTP/1.1 writes them.
  ///   - pool: of blocks for frames; each holds 32 KiB or more.
  /// - Returns: nil without memory.
  public init?(limits: HTTP2Limits, heads: HeadLimits, pool: BufferPool) {
    frames = Buffer(pool: pool)
    unsafe rest = UnsafeRawBufferPointer(start: nil, count: 0)
    request = TranslatedRequest(limitBytes: heads.maxBytes)
    // What is written here on the way adds to the origin's own head.
    answerLimits = HeadLimits(
      maxBytes: 2 * heads.maxBytes + (8 << 10), maxFields: heads.maxFields + 16)
    answerFields = FieldTable(capacity: answerLimits.maxFields)
    section = FieldVector(capacity: answerLimits.maxFields)
    let result = unsafe nghttp2_session_server_new2(
      &session, Self.callbacks, Unmanaged.passUnretained(self).toOpaque(), HTTP2Options.shared.options)
    guard result == 0, submitSettings(limits, heads) else { return nil }
  }

  deinit { unsafe nghttp2_session_del(session) }

  private final func submitSettings(_ limits: HTTP2Limits, _ heads: HeadLimits) -> Bool {
    let settings = [
      nghttp2_settings_entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams),
      nghttp2_settings_entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindowBytes),
      nghttp2_settings_entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, heads.maxBytes),
      // Priorities are those of RFC 9218, which cost no tree.
      nghttp2_settings_entry(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
    ]
    return unsafe nghttp2_submit_settings(session, 0, settings, settings.count) == 0
      && nghttp2_session_set_local_window_size(session, 0, 0, Int32(clamping: limits.connectionWindowBytes))
        == 0
  }

  // MARK: For the owner

  /// A request has come: a socket is to be made inside of `stream`.
  open func streamHasBegun(_ stream: HTTP2Stream) {}

  /// The client is not interested any more: the socket of `stream` is to be closed.
  open func streamIsBroken(_ stream: HTTP2Stream) {}

  /// The socket of `stream` has closed.
  open func socketHasClosed(_ stream: HTTP2Stream) { idle.removeAll { $0 === stream } }

  /// There is something to write: ``writeFrames()`` and then ``frames`` are to be seen to, soon.
  open func framesAreDue() {}

  /// ``frames`` is full: it is to be sent as far as the socket takes it. The session must not be closed meanwhile.
  open func sendFrames() {}

  /// A message of the client's was refused.
  open func messageWasRefused() {}

  /// No request is under way.
  public final var isIdle: Bool { streams.isEmpty }

  /// The first bytes of a request have come, and not its last.
  public final var isReadingHead: Bool { incoming != nil }

  /// Neither side has anything to say any more.
  public final var isOver: Bool {
    unsafe nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
      && rest.isEmpty && frames.isEmpty
  }

  /// Reads frames; false when the connection is of no use any more.
  public final func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let count = unsafe nghttp2_session_mem_recv(session, start, bytes.count)
    if count < 0 { failure = unsafe String(cString: nghttp2_strerror(Int32(clamping: count))) }
    return count >= 0
  }

  /// Tells the owner what has come of ``take(_:)`` and ``writeFrames()``.
  public final func tell() {
    while refusals > 0 {
      refusals -= 1
      messageWasRefused()
    }
    while let stream = broken.popLast() { streamIsBroken(stream) }
    for stream in begun where stream.id != 0 {
      if stream.isAttached { stream.requestHasBegun() } else { streamHasBegun(stream) }
    }
    begun.removeAll(keepingCapacity: true)
  }

  /// Writes into ``frames`` until there is nothing more to write, or no room.
  public final func writeFrames() {
    while writeRest() {
      var bytes: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(session, &bytes)
      guard count > 0, let start = unsafe bytes else { break }
      unsafe rest = UnsafeRawBufferPointer(start: start, count: count)
    }
    if !broken.isEmpty { framesAreDue() }
  }

  /// The socket has taken all: who had no room goes on.
  public final func roomIsThere() {
    if waiting.isEmpty { return }
    let streams = waiting
    waiting.removeAll(keepingCapacity: true)
    for stream in streams { stream.becomeWritable() }
  }

  /// Says that no further request is answered on this connection; `isFinal` tells which was the last.
  public final func announceEnd(isFinal: Bool) {
    if isFinal {
      let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
      _ = unsafe nghttp2_submit_goaway(session, 0, last, NGHTTP2_NO_ERROR.rawValue, nil, 0)
    } else {
      _ = unsafe nghttp2_submit_shutdown_notice(session)
    }
    framesAreDue()
  }

  /// Ends the connection, whatever is under way.
  public final func terminate() {
    _ = unsafe nghttp2_session_terminate_session(session, NGHTTP2_NO_ERROR.rawValue)
    framesAreDue()
  }

  // MARK: For the streams

  final func keep(_ stream: HTTP2Stream) { idle.append(stream) }

  final func reset(_ id: Int32, _ code: nghttp2_error_code) {
    _ = unsafe nghttp2_submit_rst_stream(session, 0, id, code.rawValue)
    framesAreDue()
  }

  final func resume(_ id: Int32) { _ = unsafe nghttp2_session_resume_data(session, id) }

  final func waitForRoom(_ stream: HTTP2Stream) { waiting.append(stream) }

  /// The windows of stream and connection open by this much.
  final func consumed(_ count: Int, by id: Int32) {
    if count == 0 { return }
    _ = unsafe nghttp2_session_consume(session, id, count)
    framesAreDue()
  }

  /// How many of `count` bytes fit into the next frame; nil when it has to wait.
  final func roomForContent(_ count: Int) -> Int? {
    let least = min(count, Self.leastContentBytes) + Self.frameHeadBytes
    if frames.room < least { makeRoom() }
    return frames.room < least ? nil : frames.room - Self.frameHeadBytes
  }

  /// Sends the head at the front of `bytes`, of an interim answer or the final one; nil when that can't be.
  final func sendHead(
    at bytes: UnsafeRawBufferPointer, of stream: HTTP2Stream, asksByHead: Bool
  ) -> ResponseHead? {
    let parsed = unsafe ResponseHead.parse(
      bytes.bytes, toHead: asksByHead, limits: answerLimits, fields: &answerFields)
    guard case .head(let head) = parsed, head.status != 101 else { return nil }
    let id = stream.id
    let result = unsafe section.withSection(of: head, answerFields, bytes) { fields, count in
      if head.isInterim {
        return unsafe nghttp2_submit_headers(session, 0, id, nil, fields, count, nil)
      }
      var source = unsafe nghttp2_data_provider()
      unsafe source.read_callback = Self.readContent
      let isEmpty = head.framing == .none || head.framing == .length(0)
      return unsafe withUnsafePointer(to: &source) {
        unsafe nghttp2_submit_response(session, id, fields, count, isEmpty ? nil : $0)
      }
    }
    return result == 0 ? head : nil
  }

  // MARK: Frames

  private final func makeRoom() {
    sendFrames()
    frames.compact()
  }

  /// Writes what is left of nghttp2's frame; false when some is left still.
  private final func writeRest() -> Bool {
    while unsafe !rest.isEmpty {
      if frames.room == 0 { makeRoom() }
      let count = unsafe min(rest.count, frames.room)
      guard count > 0, unsafe frames.append(UnsafeRawBufferPointer(rebasing: rest[..<count]).bytes) else {
        return false
      }
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    return true
  }

  private final func requestBegins(_ id: Int32) {
    let stream = idle.popLast() ?? HTTP2Stream(of: self)
    stream.start(id)
    streams[id] = stream
    incoming = stream
    request.begin()
    gate.makeUp(FloodGate.request)
  }

  /// False when the request has to be refused.
  private final func add(_ name: FieldBytes, _ value: FieldBytes) -> Bool {
    incoming == nil || request.add(name, value)
  }

  private final func received(_ frame: nghttp2_frame) {
    let head = unsafe frame.hd
    let isLast = head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    switch UInt32(head.type) {
    case NGHTTP2_HEADERS.rawValue:
      if let stream = incoming {
        incoming = nil
        if stream.take(&request, bodyFollows: !isLast) {
          begun.append(stream)
        } else {
          reset(stream.id, NGHTTP2_INTERNAL_ERROR)
        }
      } else if isLast {
        requestHasEnded(head.stream_id)
      }
    case NGHTTP2_DATA.rawValue:
      if isLast { requestHasEnded(head.stream_id) }
    default: break
    }
  }

  /// A frame begins, be it of a kind that nobody knows.
  private final func weigh(_ head: nghttp2_frame_hd) {
    switch UInt32(head.type) {
    case NGHTTP2_HEADERS.rawValue: break
    case NGHTTP2_DATA.rawValue where head.length >= Self.tinyBytes: break
    default: count(1)
    }
  }

  private final func requestHasEnded(_ id: Int32) {
    if let stream = streams[id], !stream.requestHasEnded() { reset(id, NGHTTP2_INTERNAL_ERROR) }
  }

  private final func received(content: UnsafeRawBufferPointer, of id: Int32) {
    guard let stream = streams[id] else { return consumed(content.count, by: id) }
    if unsafe !stream.take(content: content) { reset(id, NGHTTP2_INTERNAL_ERROR) }
  }

  private final func refused() {
    refusals += 1
    count(FloodGate.wrongFrame)
  }

  private final func count(_ weight: Int) {
    if gate.pass(weight) { return }
    _ = unsafe nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM.rawValue)
  }

  private final func sent(_ frame: nghttp2_frame) {
    let head = unsafe frame.hd
    switch UInt32(head.type) {
    case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue:
      gate.makeUp(FloodGate.answerFrame)
      if head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 {
        streams[head.stream_id]?.answerHasEnded()
      }
    case NGHTTP2_GOAWAY.rawValue:
      let code = unsafe frame.goaway.error_code
      if code == NGHTTP2_NO_ERROR.rawValue { return }
      let name = unsafe String(cString: nghttp2_http2_strerror(code))
      let reason = unsafe UnsafeRawBufferPointer(
        start: frame.goaway.opaque_data, count: frame.goaway.opaque_data_len)
      failure = unsafe reason.isEmpty ? name : "\(name), \(String(decoding: reason, as: UTF8.self))"
    default: break
    }
  }

  private final func closed(_ id: Int32) {
    guard let stream = streams.removeValue(forKey: id) else { return }
    if incoming === stream { incoming = nil }
    waiting.removeAll { $0 === stream }
    if stream.hasClosed() { broken.append(stream) }
  }

  private final func nextContent(of id: Int32, atMost limit: Int) -> HTTP2Stream.Content {
    streams[id]?.nextContent(atMost: limit) ?? .later
  }

  private final func write(_ frameHead: UnsafePointer<UInt8>?, _ count: Int, of id: Int32) -> Bool {
    let head = unsafe UnsafeRawBufferPointer(start: frameHead, count: Self.frameHeadBytes)
    guard let stream = streams[id], unsafe frames.append(head.bytes) else { return false }
    return stream.writeContent(count, into: &frames)
  }
}

// MARK: nghttp2's callbacks

extension HTTP2Session {
  /// They live as long as the process. Nil without memory.
  private nonisolated(unsafe) static let callbacks: OpaquePointer? = {
    var callbacks: OpaquePointer?
    guard unsafe nghttp2_session_callbacks_new(&callbacks) == 0 else { return nil }
    unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, head, context in
      if let head = unsafe head { unsafe HTTP2Session.of(context)?.weigh(head.pointee) }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, context in
      guard let session = unsafe HTTP2Session.of(context), let frame = unsafe frame else { return 0 }
      let isRequest = unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
      if isRequest { session.requestBegins(unsafe frame.pointee.hd.stream_id) }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      handle, frame, name, nameCount, value, valueCount, _, context in
      guard let session = unsafe HTTP2Session.of(context), let frame = unsafe frame else { return 0 }
      if session.add(unsafe FieldBytes(name, nameCount), unsafe FieldBytes(value, valueCount)) { return 0 }
      return unsafe HTTP2Session.refuse(handle, frame)
    }
    // Without this they would be left out, and the rest taken (RFC 9113, 8.2.1).
    unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) {
      handle, frame, _, _, _, _, _, context in
      guard let session = unsafe HTTP2Session.of(context), let frame = unsafe frame else { return 0 }
      session.refused()
      return unsafe HTTP2Session.refuse(handle, frame)
    }
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) { _, _, _, context in
      unsafe HTTP2Session.of(context)?.refused()
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
      if let frame = unsafe frame { unsafe HTTP2Session.of(context)?.received(frame.pointee) }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
      _, _, id, bytes, count, context in
      let content = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
      unsafe HTTP2Session.of(context)?.received(content: content, of: id)
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, _, context in
      unsafe HTTP2Session.of(context)?.closed(id)
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
      if let frame = unsafe frame { unsafe HTTP2Session.of(context)?.sent(frame.pointee) }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks) {
      _, frame, head, count, _, context in
      guard let session = unsafe HTTP2Session.of(context), let frame = unsafe frame,
        unsafe session.write(head, count, of: frame.pointee.hd.stream_id)
      else { return Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
      return 0
    }
    return unsafe callbacks
  }()

  private static let readContent: nghttp2_data_source_read_callback = { _, id, _, limit, flags, _, context in
    switch unsafe HTTP2Session.of(context)?.nextContent(of: id, atMost: limit) {
    case .bytes(let count, let isLast):
      let end = isLast ? NGHTTP2_DATA_FLAG_EOF.rawValue : 0
      unsafe flags?.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue | end
      return count
    case .end:
      unsafe flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
      return 0
    case .later, nil: return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> HTTP2Session? {
    unsafe context.map { unsafe Unmanaged<HTTP2Session>.fromOpaque($0).takeUnretainedValue() }
  }

  /// A malformed request ends its stream (RFC 9113, 8.1.1).
  private static func refuse(_ handle: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
    let id = unsafe frame.pointee.hd.stream_id
    _ = unsafe nghttp2_submit_rst_stream(handle, 0, id, NGHTTP2_PROTOCOL_ERROR.rawValue)
    return Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
  }
}

/// nghttp2's options, the same for every connection.
@safe private struct HTTP2Options: @unchecked Sendable {
  static let shared = HTTP2Options()
  /// It lives as long as the process; without memory nghttp2's own defaults hold.
  let options: OpaquePointer?

  private init() {
    var options: OpaquePointer?
    _ = unsafe nghttp2_option_new(&options)
    if unsafe options != nil {
      // Windows open when an origin has taken the bytes, and not before.
      unsafe nghttp2_option_set_no_auto_window_update(options, 1)
      unsafe nghttp2_option_set_no_closed_streams(options, 1)
      unsafe nghttp2_option_set_max_outbound_ack(options, 100)
      // Rapid reset: a browser that leaves a page may end all of its requests at once, and not much more often.
      unsafe nghttp2_option_set_stream_reset_rate_limit(options, 500, 50)
      unsafe nghttp2_option_set_max_continuations(options, 8)
    }
    unsafe self.options = unsafe options
  }
}

extension nghttp2_settings_entry {
  fileprivate init(_ id: nghttp2_settings_id, _ value: Int) {
    self.init(settings_id: Int32(bitPattern: id.rawValue), value: UInt32(clamping: value))
  }
}
