/// What stands between a socket and its user's bytes, such as encryption. Used on the loop's thread only.
///
/// A socket tells it what the kernel says (``socketIsReady(_:)``), opens it, and receives and sends through it. It uses the
/// socket's descriptor itself, which stays the socket's. Where the socket has none, the layer is all that is behind it:
/// see ``StreamSocket/init(loop:inside:)``.
open class SocketLayer {
  /// How far the opening is.
  public enum Opening {
    case open
    /// The peer has to send or to take something first.
    case waiting
    case failed
  }

  public init() {}

  /// The socket has this descriptor; called once, before all else.
  open func begin(_ descriptor: Int32) {}

  /// Bytes that were received before the layer had the socket.
  open func take(_ received: RawSpan) {}

  /// Edges have come. What is unsent goes out as far as the socket takes it.
  open func socketIsReady(_ events: SocketEvents) {}

  /// Goes on with what has to be said before the user's first byte.
  open func open() -> Opening { .open }

  /// The user's bytes can pass.
  open var isOpen: Bool { true }

  /// There may be bytes, or the end, to receive.
  open var isReadable: Bool { false }

  /// Nothing is unsent, and the socket took all.
  open var isWritable: Bool { false }

  /// What ``send(_:_:)`` has taken and the socket has not.
  open var hasUnsent: Bool { false }

  /// Receives into `room`, which is not empty.
  open func receive(into room: UnsafeMutableRawBufferPointer) -> Received { .end }

  /// Takes bytes to send, as ``Sent`` says: what it has taken, it sends by itself as the socket allows.
  open func send(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Sent { .bytes(0) }

  /// What was sent last was the end of a message, and another one may follow: of interest to a layer that keeps messages
  /// apart by itself.
  open func endMessage() {}

  /// Tells the peer that nothing more will be sent, behind what is unsent.
  open func end() {}

  /// The socket is closing.
  ///
  /// - Parameter abortively: the peer must not take what it has for the whole.
  open func close(abortively: Bool) {
    if !abortively { end() }
  }
}
