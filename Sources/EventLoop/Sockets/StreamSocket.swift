import CLibevent
import CSystemCalls
import Glibc

/// What a loop saw of a socket.
public struct SocketEvents: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  public static let readable = SocketEvents(rawValue: 1)
  public static let writable = SocketEvents(rawValue: 2)
  /// The peer will send nothing more (it may still read).
  public static let peerClosed = SocketEvents(rawValue: 4)
}

/// What came of a receive.
public enum Received: Equatable {
  /// This many bytes, at least one.
  case bytes(Int)
  case wouldBlock
  /// The peer has sent its last byte.
  case end
  case failed(errno: Int32)
}

/// What came of a send.
public enum Sent: Equatable {
  /// This many bytes, perhaps none; fewer than given means that the socket is full and ``SocketEvents/writable``
  /// will come.
  case bytes(Int)
  case failed(errno: Int32)
}

/// What came of a flush.
public enum Flushed: Equatable {
  case all
  /// The socket is full; ``SocketEvents/writable`` will come.
  case blocked
  case failed
}

/// A connected, or connecting, stream socket on a loop.
///
/// Or what its user can take for one: inside a layer that brings its bytes from elsewhere there is no descriptor.
///
/// It is registered with the kernel once, edge-triggered for both directions; ``isReadable`` and
/// ``isWritable`` remember the edges. Subclasses are the connections; they override ``socketIsReady(_:)`` and
/// ``deadlinePassed()``, both called on the loop's thread. Whoever keeps a socket drops it after
/// ``closeSocket(abortively:)`` and not before; the loop holds on to it until the running callback has returned.
@safe open class StreamSocket {
  public final let loop: EventLoop
  /// Owned; -1 once closed, and where there is none.
  public final private(set) var descriptor: Int32
  public final private(set) var isClosed = false
  /// Owned; freed by ``closeSocket()``. Its argument is this object.
  private final var event: OpaquePointer?
  /// There may be bytes, or the end, to receive.
  public final private(set) var isReadable = false
  /// Nothing sent so far came back short.
  public final private(set) var isWritable = false
  /// The peer's end was seen by the loop and has not been received yet, perhaps behind bytes.
  private final var endIsNear = false

  /// The peer has said that it will send nothing more, though it may still read.
  public final var peerHasEnded: Bool { endIsNear }

  /// Counts what this socket moves, when there is one.
  private final let meter: ByteMeter?

  /// What the user's bytes pass through on their way, if anything.
  private final var layer: SocketLayer?
  /// The peer is told that nothing more comes once the layer has sent what it holds.
  private final var endsWhenFlushed = false

  /// Milliseconds on the loop's clock; `.max` without a deadline.
  final var deadlineMs = UInt64.max
  /// The tick of the wheel's slot that this socket waits in; 0 when in none.
  final var slotTick: UInt64 = 0
  final var wheelNext: StreamSocket?
  final unowned(unsafe) var wheelPrevious: StreamSocket?

  /// Takes `descriptor` over, a non-blocking stream socket, and registers it.
  ///
  /// - Parameters:
  ///   - meter: counts what it moves.
  ///   - layer: what its bytes pass through, from its first byte on; behind others, see ``begin(_:with:)``.
  /// - Throws: ``EventLoopError/system(call:errno:)``; the descriptor is closed then.
  public init(
    loop: EventLoop, descriptor: Int32, meter: ByteMeter? = nil, layer: SocketLayer? = nil
  ) throws(EventLoopError) {
    self.loop = loop
    self.descriptor = descriptor
    self.meter = meter
    self.layer = layer
    let interest = Int16(EV_READ | EV_WRITE | EV_CLOSED | EV_PERSIST) | Int16(bitPattern: UInt16(EV_ET))
    unsafe event = unsafe makeEvent(interest)
    guard let event = unsafe event, unsafe event_add(event, nil) == 0 else {
      let code = errno
      closeSocket()
      throw .system(call: "epoll_ctl", errno: code)
    }
    layer?.begin(descriptor)
  }

  /// A socket that is none: `layer` is where its bytes come from and where they go. The loop asks the layer whenever
  /// somebody calls ``wake()``.
  ///
  /// - Throws: ``EventLoopError/noBase`` without memory.
  public init(loop: EventLoop, inside layer: SocketLayer) throws(EventLoopError) {
    self.loop = loop
    self.layer = layer
    descriptor = -1
    meter = nil
    unsafe event = unsafe makeEvent(Int16(EV_PERSIST))
    if unsafe event == nil {
      closeSocket()
      throw .noBase
    }
  }

  private final func makeEvent(_ interest: Int16) -> OpaquePointer? {
    unsafe event_new(
      loop.base, descriptor, interest,
      { _, what, context in
        guard let context = unsafe context else { return }
        // Not retained: a socket that closes in its callback waits in the loop's graveyard for its end.
        let loop = unsafe Unmanaged<StreamSocket>.fromOpaque(context)._withUnsafeGuaranteedRef { socket in
          socket.dispatch(what)
          return unsafe Unmanaged.passUnretained(socket.loop)
        }
        unsafe loop._withUnsafeGuaranteedRef { $0.afterCallback() }
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit {
    if let event = unsafe event { unsafe event_free(event) }
    if descriptor >= 0 { close(descriptor) }
  }

  /// Edges have come; ``isReadable`` and ``isWritable`` are already set.
  open func socketIsReady(_ events: SocketEvents) {}

  /// The layer has opened: the peer is who it has to be, and bytes can pass. ``socketIsReady(_:)`` follows.
  open func layerIsOpen() {}

  /// The layer could not be opened, and never will be; its own class says why. The socket is to be closed.
  open func layerFailed() {}

  /// The deadline set last has passed. It is not set again by itself.
  open func deadlinePassed() {}

  private final func dispatch(_ what: Int16) {
    let what = Int32(what)
    var events = SocketEvents()
    if what & EV_READ != 0 {
      events.insert(.readable)
      isReadable = true
    }
    if what & EV_WRITE != 0 {
      events.insert(.writable)
      isWritable = true
    }
    if what & EV_CLOSED != 0 {
      events.insert(.peerClosed)
      isReadable = true
      endIsNear = true
    }
    if let layer { return dispatch(events, through: layer) }
    socketIsReady(events)
  }

  /// The user hears nothing of the socket before the layer is open, and afterwards of what the layer has for it.
  private final func dispatch(_ events: SocketEvents, through layer: SocketLayer) {
    var events = events
    layer.socketIsReady(events)
    if !layer.isOpen {
      switch layer.open() {
      case .waiting: return
      case .failed: return layerFailed()
      case .open:
        layerIsOpen()
        if isClosed { return }
        events.insert(.writable)
      }
    }
    follow(layer)
    // Woken, it hears of all that holds.
    if events.isEmpty, isWritable { events.insert(.writable) }
    if isReadable { events.insert(.readable) }
    if !isWritable { events.remove(.writable) }
    socketIsReady(events)
  }

  private final func follow(_ layer: SocketLayer) {
    isReadable = layer.isReadable
    isWritable = layer.isWritable
    if endsWhenFlushed, !layer.hasUnsent {
      endsWhenFlushed = false
      shutdown(descriptor, Int32(SHUT_WR))
    }
  }

  /// From now on the bytes pass through `layer`, which opens when the running callback has returned.
  ///
  /// - Parameter received: what was received of the layer's bytes already.
  public final func begin(_ layer: SocketLayer, with received: RawSpan) {
    self.layer = layer
    layer.begin(descriptor)
    layer.take(received)
    var events = SocketEvents()
    if isReadable { events.insert(.readable) }
    if isWritable { events.insert(.writable) }
    if endIsNear { events.insert(.peerClosed) }
    layer.socketIsReady(events)
    (isReadable, isWritable) = (false, false)
    comeBack()
  }

  /// Takes the layer away, which has failed: bytes pass as they are from now on.
  public final func abandonLayer() {
    layer = nil
    isReadable = true
    isWritable = true
  }

  /// Its user's bytes are those that the kernel sees: only then may they move through a ``SplicePipe``.
  public final var isDirect: Bool { layer == nil }

  /// What was sent, as far as its user knows, and is still here.
  public final var hasUnsent: Bool { layer?.hasUnsent ?? false }

  /// Receives once, behind what `buffer` holds.
  public final func receive(into buffer: inout Buffer) -> Received {
    guard let room = unsafe buffer.borrowRoom() else { return .failed(errno: ENOMEM) }
    let size = room.count
    guard size > 0 else { return .failed(errno: ENOBUFS) }
    if let layer { return unsafe receive(through: layer, room, into: &buffer) }
    while true {
      let count = unsafe receive_bytes(descriptor, room.baseAddress, size)
      if count > 0 {
        // A short read has emptied the socket: what comes later is a new edge. A full one may not have.
        if count < size && !endIsNear { isReadable = false }
        buffer.filled(count)
        countReceived(count)
        return .bytes(count)
      }
      if count == 0 {
        isReadable = false
        return .end
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        isReadable = false
        return .wouldBlock
      case let code:
        isReadable = false
        return .failed(errno: code)
      }
    }
  }

  private final func receive(
    through layer: SocketLayer, _ room: UnsafeMutableRawBufferPointer, into buffer: inout Buffer
  ) -> Received {
    let received = unsafe layer.receive(into: room)
    follow(layer)
    switch received {
    case .bytes(let count):
      buffer.filled(count)
      countReceived(count)
    case .wouldBlock, .end, .failed: isReadable = false
    }
    return received
  }

  private final func send(
    through layer: SocketLayer, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
  ) -> Sent {
    let sent = unsafe layer.send(first, second)
    follow(layer)
    if case .bytes(let count) = sent { countSent(count) }
    return sent
  }

  /// Sends `first` and then `second` with one system call.
  public final func send(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Sent {
    let total = first.count + second.count
    if total == 0 { return .bytes(0) }
    if let layer { return unsafe send(through: layer, first, second) }
    while true {
      let count: Int
      if unsafe second.isEmpty {
        count = unsafe send_bytes(descriptor, first.baseAddress, first.count)
      } else if unsafe first.isEmpty {
        count = unsafe send_bytes(descriptor, second.baseAddress, second.count)
      } else {
        count = unsafe gather(first, second)
      }
      if count >= 0 {
        if count < total { isWritable = false }
        countSent(count)
        return .bytes(count)
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        isWritable = false
        return .bytes(0)
      case let code:
        isWritable = false
        return .failed(errno: code)
      }
    }
  }

  final func countReceived(_ count: Int) { meter?.countReceived(count) }
  final func countSent(_ count: Int) { meter?.countSent(count) }
  /// Nothing more comes before the next edge.
  final func stopReading() { isReadable = false }
  /// Nothing more is taken before the next edge.
  final func stopWriting() { isWritable = false }

  private final func gather(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Int {
    var parts = unsafe (
      iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count),
      iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count)
    )
    return unsafe withUnsafeMutablePointer(to: &parts) { pair in
      unsafe pair.withMemoryRebound(to: iovec.self, capacity: 2) { vectors in
        var message = unsafe msghdr()
        unsafe message.msg_iov = unsafe vectors
        unsafe message.msg_iovlen = 2
        return unsafe send_message(descriptor, &message)
      }
    }
  }

  /// Sends what `buffer` holds and gives its block back when all of it was taken.
  public final func flush(_ buffer: inout Buffer) -> Flushed {
    if buffer.isEmpty { return hasUnsent ? .blocked : .all }
    guard isWritable else { return .blocked }
    switch unsafe send(UnsafeRawBufferPointer(buffer.readable), .init(start: nil, count: 0)) {
    case .failed: return .failed
    case .bytes(let count):
      buffer.consume(count)
      buffer.giveBackIfEmpty()
      return buffer.isEmpty && !hasUnsent ? .all : .blocked
    }
  }

  /// Tells the peer that nothing more will be sent.
  public final func shutdownWriting() {
    if isClosed { return }
    layer?.end()
    if descriptor < 0, let layer { return follow(layer) }
    if hasUnsent {
      endsWhenFlushed = true
    } else {
      shutdown(descriptor, Int32(SHUT_WR))
    }
  }

  /// What is sent next belongs to another message.
  @inline(__always)
  public final func endMessage() {
    if let layer { endMessage(of: layer) }
  }

  private final func endMessage(of layer: SocketLayer) {
    layer.endMessage()
    follow(layer)
  }

  /// The error the kernel holds for this socket (0 for none); reading it clears it.
  public final func takeError() -> Int32 {
    if descriptor < 0 { return 0 }
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    if unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) != 0 { return errno }
    return code
  }

  /// Calls ``deadlinePassed()`` once, `afterMs` milliseconds from now or up to two ticks later, unless it is
  /// set again or cleared before.
  public final func setDeadline(afterMs: UInt64) {
    if !isClosed { loop.schedule(self, afterMs: afterMs) }
  }

  /// There is no deadline any more.
  public final func clearDeadline() { deadlineMs = .max }

  /// Has ``socketIsReady(_:)`` called once more after the other sockets had their turn, without a system call.
  public final func comeBack() {
    if let event = unsafe event { unsafe event_active(event, Int32(EV_READ), 0) }
  }

  /// Has ``socketIsReady(_:)`` called once after the callbacks that are due, with what is known then: the kernel is asked
  /// for nothing.
  public final func wake() {
    if let event = unsafe event { unsafe event_active(event, Int32(EV_TIMEOUT), 0) }
  }

  /// Unregisters and closes; nothing is called back afterwards. May be called more than once.
  ///
  /// - Parameter abortively: discard what is unsent and reset the connection, so that the peer cannot take
  ///   what it has for the whole.
  public final func closeSocket(abortively: Bool = false) {
    if isClosed { return }
    isClosed = true
    loop.releaseLater(self)
    loop.unschedule(self)
    if let event = unsafe event { unsafe event_free(event) }
    unsafe event = nil
    layer?.close(abortively: abortively)
    layer = nil
    isReadable = false
    isWritable = false
    if descriptor < 0 { return }
    if abortively {
      var noLinger = linger(l_onoff: 1, l_linger: 0)
      _ = unsafe setsockopt(
        descriptor, SOL_SOCKET, SO_LINGER, &noLinger, socklen_t(MemoryLayout<linger>.size))
    }
    close(descriptor)
    descriptor = -1
  }
}
