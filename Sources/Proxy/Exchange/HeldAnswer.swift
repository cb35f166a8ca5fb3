import EventLoop
import HTTP1

/// An answer kept aside until it is decided who answers: the new pool's miss while the old server is asked, or the old
/// server's page while it is examined.
///
/// It keeps the head and up to 64 KiB of the body, or a little more of an examined one. A longer body stays unread on
/// its connection, which is paused until the decision.
final class HeldAnswer {
  static let bodyLimitBytes = 64 << 10

  let head: ResponseHead
  /// Whose answer it is.
  let server: OriginServer
  /// The interim answers that came before it, as they will go out.
  let interim: [UInt8]
  /// The head as it came, then the body as it will go to the client.
  var bytes: ByteWriter
  /// Stands behind the last byte kept.
  var scanner: BodyScanner
  /// The connection that still has the rest of the body; nil once all of it is kept.
  var origin: OriginConnection?
  /// Its connection can serve another request once the answer is read.
  let keepsConnection: Bool
  /// The rest of the body can't be had: the origin broke off.
  var isBroken = false
  /// Bytes already sent to the client, the head's place among them.
  var sentUpTo: Int

  init(
    head: ResponseHead, server: OriginServer, interim: [UInt8], headBytes: RawSpan, scanner: BodyScanner,
    keepsConnection: Bool
  ) {
    self.head = head
    self.server = server
    self.interim = interim
    bytes = ByteWriter(capacity: headBytes.byteCount + 4096)
    bytes.append(headBytes)
    self.scanner = scanner
    self.keepsConnection = keepsConnection
    sentUpTo = head.byteCount
  }

  var bodyCount: Int { bytes.count - head.byteCount }
  var isFull: Bool { bodyCount >= Self.bodyLimitBytes }

  /// Moves what was received of the body over from its connection's input.
  func take(from input: inout Buffer) -> BodyScanner.State {
    let progress = unsafe scanner.scan(input.readable)
    unsafe bytes.append(UnsafeRawBufferPointer(rebasing: input.readable[..<progress.forward]).bytes)
    input.consume(progress.consumed)
    return progress.state
  }
}
