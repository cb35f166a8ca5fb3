import CNghttp2
import EventLoop
import Glibc
import HTTP1

/// One stream of a connection, in the form of a socket that speaks HTTP/1.1: what is received from it is the stream's request,
/// what is sent to it becomes the stream's answer. It serves streams one after the other, as a kept connection serves requests.
///
/// Who sends an answer without Content-Length says with ``StreamSocket/endMessage()`` where it ends; a coding of transfer is
/// not understood. Trailers do not pass, either way (RFC 9110, 6.5.1).
@safe public final class HTTP2Stream: SocketLayer {
  private enum Request {
    case body(TranslatedRequest.BodyForm)
    case ended
  }

  private enum Answer {
    /// No final head was sent.
    case awaited
    /// Its content is sent; how much is left of it, where that is known.
    case content(left: UInt64?)
    /// All was sent, but for the mark at its end.
    case ending
    case ended
  }

  /// Who has the session closes the sockets of its streams before it goes.
  private unowned let session: HTTP2Session
  /// What is inside of this; it holds this in turn, and is forgotten when it closes.
  private unowned(unsafe) var socket: StreamSocket?
  /// 0 between two streams.
  private(set) var id: Int32 = 0
  private var request = Request.ended
  private var answer = Answer.ended
  private var asksByHead = false
  /// The request in HTTP/1.1 that has not been received yet. Owned; freed when it is empty, and in `deinit`.
  private var inbound = ByteBlock()
  /// Scratch for what stands before a chunk, so that none of them allocates.
  private var chunkLine = ByteWriter(capacity: 0)
  /// Bytes of content in `inbound` that count in the windows of stream and connection.
  private var unconsumed = 0
  /// What ``send(_:_:)`` was given and no frame has yet; empty but while that runs.
  private var offered: UnsafeRawBufferPointer
  /// nghttp2 does not ask for content before it is told to.
  private var isDeferred = false
  /// Neither windows nor socket take more.
  private var isBlocked = false
  /// The user has sent its last answer.
  private var isOver = false
  /// The user waits for the next request.
  private var isFree = true
  /// What ``HTTP2Session/contentCount`` was when this last moved, or was asked whether it had to wait.
  private var contentSeen: UInt64 = 0

  init(of session: HTTP2Session) {
    self.session = session
    unsafe offered = UnsafeRawBufferPointer(start: nil, count: 0)
  }

  deinit { inbound.free() }

  /// `socket` is what this is the layer of.
  public func attach(_ socket: StreamSocket) {
    unsafe self.socket = socket
    socket.wake()
  }

  /// Whether content of other streams has passed, and none of this one, since that was last asked. A connection carries one
  /// after the other: who stands still may wait for those before it, and not for the peer.
  public func hasHadToWait() -> Bool {
    defer { contentSeen = session.contentCount }
    return session.contentCount != contentSeen
  }

  /// It has a socket already, which has served another stream.
  var isAttached: Bool { unsafe socket != nil }

  // MARK: The stream

  func start(_ id: Int32) {
    self.id = id
    request = .body(.none)
    answer = .awaited
    isFree = false
    isBlocked = false
    isDeferred = false
  }

  /// The request's field section is whole; false without memory.
  func take(_ head: inout TranslatedRequest, bodyFollows: Bool) -> Bool {
    asksByHead = head.asksByHead
    guard let form = head.write(into: &inbound, bodyFollows: bodyFollows) else { return false }
    request = bodyFollows ? .body(form) : .ended
    return true
  }

  /// The socket can receive it.
  func requestHasBegun() { wake() }

  /// Content of the request has come; false without memory.
  func take(content: UnsafeRawBufferPointer) -> Bool {
    guard case .body(let form) = request, !isOver else {
      session.consumed(content.count, by: id)
      return true
    }
    unconsumed += content.count
    wake()
    if form != .chunked { return unsafe inbound.append(content) }
    return unsafe append(hexadecimal: content.count) && inbound.append(content) && append("\r\n")
  }

  /// The request is whole; false without memory.
  func requestHasEnded() -> Bool {
    guard case .body(let form) = request else { return true }
    request = .ended
    wake()
    return form != .chunked || isOver || append("0\r\n\r\n")
  }

  /// The last frame of the answer has been written.
  func answerHasEnded() {
    answer = .ended
    if isOver { refuseRest() }
  }

  /// The stream is gone.
  ///
  /// - Returns: whether somebody is still busy with it, whose socket has to be closed.
  func hasClosed() -> Bool {
    forgetInbound()
    id = 0
    guard isAttached else { return false }
    switch answer {
    case .ended:
      if isFree { session.keep(self) }
      return false
    case .awaited, .content, .ending: return true
    }
  }

  /// The client has had its answer, and nobody wants the rest of its request (RFC 9113, 8.1).
  private func refuseRest() {
    if case .body = request { session.reset(id, NGHTTP2_NO_ERROR) }
  }

  private func wake() { unsafe socket?.wake() }

  private func forgetInbound() {
    session.consumed(unconsumed, by: id)
    unconsumed = 0
    inbound.free()
  }

  private func append(_ text: StaticString) -> Bool {
    unsafe inbound.append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private func append(hexadecimal count: Int) -> Bool {
    chunkLine.removeAll()
    chunkLine.append(hexadecimal: UInt64(count))
    chunkLine.append("\r\n")
    return unsafe chunkLine.withUnsafeBytes { unsafe inbound.append($0) }
  }

  // MARK: The socket

  public override var isReadable: Bool { inbound.count > 0 || isOver }

  public override var isWritable: Bool { !isBlocked }

  public override func receive(into room: UnsafeMutableRawBufferPointer) -> Received {
    guard inbound.count > 0, let start = room.baseAddress else { return isOver ? .end : .wouldBlock }
    let count = unsafe inbound.take(into: start, atMost: room.count)
    let consumed = inbound.count == 0 ? unconsumed : min(count, unconsumed)
    unconsumed -= consumed
    session.consumed(consumed, by: id)
    contentSeen = session.contentCount
    return .bytes(count)
  }

  public override func send(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Sent {
    guard id != 0, !isOver else { return .failed(errno: EPIPE) }
    var taken = 0
    if case .awaited = answer {
      guard let count = unsafe sendHeads(first) else {
        session.reset(id, NGHTTP2_INTERNAL_ERROR)
        return .failed(errno: EPROTO)
      }
      taken = count
    }
    let rest = unsafe UnsafeRawBufferPointer(rebasing: first[taken...])
    taken += unsafe offer(rest)
    if taken == first.count { taken += unsafe offer(second) }
    session.framesAreDue()
    return .bytes(taken)
  }

  public override func endMessage() {
    isFree = true
    switch answer {
    case .content:
      answer = .ending
      resume()
      session.framesAreDue()
    case .awaited, .ending: break
    case .ended: if id == 0 { session.keep(self) }
    }
  }

  public override func end() {
    if isOver { return }
    isOver = true
    switch answer {
    case .content(left: nil):
      answer = .ending
      resume()
      session.framesAreDue()
    case .awaited, .content: session.reset(id, NGHTTP2_INTERNAL_ERROR)
    case .ending: break
    case .ended: refuseRest()
    }
  }

  public override func close(abortively: Bool) {
    isOver = true
    unsafe socket = nil
    if id != 0 {
      forgetInbound()
      switch answer {
      case .awaited: session.reset(id, abortively ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL)
      case .content: session.reset(id, NGHTTP2_INTERNAL_ERROR)
      case .ending: break
      case .ended: refuseRest()
      }
    }
    session.socketHasClosed(self)
  }

  // MARK: The answer

  /// Sends the interim heads and the final one at the front of `bytes`; how long they are, or nil when they can't be sent.
  private func sendHeads(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var offset = 0
    while offset < bytes.count, case .awaited = answer {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset...])
      guard let head = unsafe session.sendHead(at: rest, of: self, asksByHead: asksByHead) else { return nil }
      offset += head.byteCount
      if head.isInterim { continue }
      switch head.framing {
      case .none, .length(0): answer = .ending
      case .length(let length): answer = .content(left: length)
      case .untilClose: answer = .content(left: nil)
      case .chunked: return nil
      }
    }
    return offset
  }

  /// Has frames made of `bytes` as far as they may be sent now; how many that were.
  private func offer(_ bytes: UnsafeRawBufferPointer) -> Int {
    if unsafe bytes.isEmpty { return 0 }
    guard case .content = answer else { return bytes.count }
    unsafe offered = unsafe bytes
    resume()
    session.writeFrames()
    let taken = unsafe bytes.count - offered.count
    unsafe offered = UnsafeRawBufferPointer(start: nil, count: 0)
    if taken > 0 { contentSeen = session.contentCount }
    guard case .content = answer else { return bytes.count }
    isBlocked = taken < bytes.count
    return taken
  }

  private func resume() {
    guard isDeferred else { return }
    isDeferred = false
    session.resume(id)
  }

  /// What goes into the next DATA frame.
  enum Content {
    case bytes(Int, isLast: Bool)
    /// Nothing more, and the end is still to be marked.
    case end
    case later
  }

  /// nghttp2 has room for content in the windows of stream and connection.
  func nextContent(atMost limit: Int) -> Content {
    if case .ending = answer { return .end }
    guard unsafe !offered.isEmpty, case .content(let left) = answer else {
      isDeferred = true
      becomeWritable()
      return .later
    }
    guard let room = session.roomForContent(unsafe offered.count) else {
      isDeferred = true
      session.waitForRoom(self)
      return .later
    }
    var count = unsafe min(limit, room, offered.count)
    guard let left else { return .bytes(count, isLast: false) }
    count = Int(clamping: min(UInt64(count), left))
    answer = left == UInt64(count) ? .ending : .content(left: left - UInt64(count))
    return .bytes(count, isLast: left == UInt64(count))
  }

  /// Writes what ``nextContent(atMost:)`` has spoken of; false without room.
  func writeContent(_ count: Int, into frames: inout Buffer) -> Bool {
    guard unsafe count <= offered.count else { return false }
    let part = unsafe UnsafeRawBufferPointer(rebasing: offered[..<count])
    unsafe offered = UnsafeRawBufferPointer(rebasing: offered[count...])
    return unsafe frames.append(part.bytes)
  }

  /// The socket has taken what was in the way.
  func becomeWritable() {
    guard isBlocked else { return }
    isBlocked = false
    wake()
  }
}
