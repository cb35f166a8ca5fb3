import COpenSSL
import CSystemCalls
import EventLoop
import Glibc

/// What OpenSSL reads its records from and writes them to. It writes into memory, so that several records leave with one system
/// call; it reads from the socket, but only where the socket may have something: most calls that would say no are not made.
@safe struct Transport {
  /// The socket's; -1 before it is known.
  var descriptor: Int32 = -1
  /// There may be bytes, or the end, to receive.
  var isReadable = false
  /// Nothing sent so far came back short.
  var isWritable = false
  /// The peer's end has been announced by the kernel and not been received yet.
  var endIsNear = false
  /// The peer's end was received.
  var hasEnded = false
  /// Of the receive or send that failed; 0 for none.
  var errno: Int32 = 0
  /// What was received before OpenSSL had the socket; owned, freed when it has been read.
  var early = ByteBlock()
  /// What OpenSSL writes while it is called; the workspace's, which outlives this.
  let output: UnsafeMutablePointer<ByteBlock>

  /// OpenSSL's view; it lives as long as the process. Nil without memory.
  nonisolated(unsafe) static let method: OpaquePointer? = {
    guard let method = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "relevo") else {
      return nil
    }
    unsafe BIO_meth_set_read(method) { bio, room, size in unsafe Transport.read(bio, room, size) }
    unsafe BIO_meth_set_write(method) { bio, bytes, count in unsafe Transport.write(bio, bytes, count) }
    unsafe BIO_meth_set_ctrl(method) { bio, command, _, _ in unsafe Transport.control(bio, command) }
    unsafe BIO_meth_set_create(method) { bio in
      unsafe BIO_set_init(bio, 1)
      return 1
    }
    return unsafe method
  }()

  private static func of(_ bio: OpaquePointer?) -> UnsafeMutablePointer<Transport>? {
    unsafe BIO_get_data(bio)?.assumingMemoryBound(to: Transport.self)
  }

  private static func read(_ bio: OpaquePointer?, _ room: UnsafeMutablePointer<CChar>?, _ size: Int32)
    -> Int32
  {
    guard let transport = unsafe of(bio), let room = unsafe room, size > 0 else { return -1 }
    unsafe relevo_bio_clear_retry(bio)
    let count = unsafe transport.pointee.receive(UnsafeMutableRawPointer(room), Int(size))
    if let count { return Int32(truncatingIfNeeded: count) }
    unsafe relevo_bio_set_retry_read(bio)
    return -1
  }

  /// How many bytes came, 0 for the end, -1 for a failure; nil when there is nothing yet.
  private mutating func receive(_ room: UnsafeMutableRawPointer, _ size: Int) -> Int? {
    if early.count > 0 { return unsafe early.take(into: room, atMost: size) }
    if errno != 0 { return -1 }
    while isReadable {
      let count = unsafe receive_bytes(descriptor, room, size)
      if count > 0 {
        // A short read has emptied the socket: what comes later is a new edge.
        if count < size, !endIsNear { isReadable = false }
        return count
      }
      let code = Glibc.errno
      if count < 0, code == EINTR { continue }
      isReadable = false
      if count == 0 {
        hasEnded = true
        return 0
      }
      if code == EAGAIN { return nil }
      errno = code
      return -1
    }
    return hasEnded ? 0 : nil
  }

  private static func write(_ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int32) -> Int32 {
    guard let transport = unsafe of(bio), let bytes = unsafe bytes, count >= 0 else { return -1 }
    unsafe relevo_bio_clear_retry(bio)
    let part = unsafe UnsafeRawBufferPointer(start: bytes, count: Int(count))
    return unsafe transport.pointee.output.pointee.append(part) ? count : -1
  }

  private static func control(_ bio: OpaquePointer?, _ command: Int32) -> Int {
    switch command {
    case BIO_CTRL_FLUSH: 1
    case BIO_CTRL_EOF: unsafe of(bio)?.pointee.hasEnded == true ? 1 : 0
    default: 0
    }
  }

  /// Sends as much as the socket takes; how much that is, or nil when it failed.
  mutating func send(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var sent = 0
    while sent < bytes.count, isWritable {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[sent...])
      let count = unsafe send_bytes(descriptor, rest.baseAddress, rest.count)
      if count >= 0 {
        sent += count
        if count < rest.count { isWritable = false }
        continue
      }
      let code = Glibc.errno
      if code == EINTR { continue }
      isWritable = false
      if code == EAGAIN { break }
      if errno == 0 { errno = code }
      return nil
    }
    return sent
  }
}
