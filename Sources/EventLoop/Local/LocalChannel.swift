import CLibevent
import CSystemCalls
import Glibc

/// One end of a connection between two processes of this machine. Messages arrive whole, in order, and with descriptors.
///
/// It blocks: for threads without a loop. One thread may send while another receives.
@safe public final class LocalChannel: Sendable {
  /// The process at the other end, as of the moment at which it connected or began to listen.
  public struct Peer: Sendable, Equatable {
    public let processID: Int32
    public let userID: UInt32

    public init(processID: Int32, userID: UInt32) {
      self.processID = processID
      self.userID = userID
    }
  }

  /// What came.
  public enum Received {
    case message([UInt8], [HandedDescriptor])
    /// The other end is closed, as a rule because its process has ended.
    case end
    /// Nothing within the time.
    case nothing
  }

  /// The longest message, in bytes.
  public static let limitBytes = 128 << 10
  /// The most descriptors of one message.
  public static let limitDescriptors = Int(relevo_descriptors_limit)
  /// A message that the other end does not take for so long is not sent.
  private static let sendTimeout = timeval(tv_sec: 5, tv_usec: 0)

  /// Owned; closed in `deinit`.
  public let descriptor: Int32
  public let peer: Peer

  /// Connects to who listens at a name of the abstract namespace.
  ///
  /// - Throws: ``EventLoopError/system(call:errno:)``: `ECONNREFUSED` when nobody does, `EAGAIN` when too many wait there.
  public convenience init(to name: String) throws(EventLoopError) {
    let descriptor = try LocalAddress.socket()
    let code = unsafe LocalAddress.withAddress(name) { unsafe connect(descriptor, $0, $1) }
    guard code == 0 else {
      let code = errno
      close(descriptor)
      throw .system(call: "connect", errno: code)
    }
    try self.init(owning: descriptor)
  }

  init(owning descriptor: Int32) throws(EventLoopError) {
    self.descriptor = descriptor
    var (process, user) = (Int32(0), UInt32(0))
    let code = unsafe peer_process(descriptor, &process, &user)
    peer = Peer(processID: process, userID: user)
    if code != 0 { throw .system(call: "getsockopt", errno: errno) }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    var timeout = Self.sendTimeout
    _ = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  /// Sends a message. The descriptors stay the caller's; the other process gets them as well.
  ///
  /// - Throws: ``EventLoopError/system(call:errno:)`` when the other end is closed, or does not take it within five seconds.
  public func send(_ bytes: [UInt8], _ descriptors: [Int32] = []) throws(EventLoopError) {
    while unsafe send_descriptors(descriptor, bytes, bytes.count, descriptors, descriptors.count) < 0 {
      if errno != EINTR { throw .system(call: "sendmsg", errno: errno) }
    }
  }

  /// Waits for the next message.
  ///
  /// - Throws: ``EventLoopError/system(call:errno:)``, `EMSGSIZE` for one that is longer than the limits.
  public func receive(atMostMs milliseconds: Int32) throws(EventLoopError) -> Received {
    guard !readable(among: [descriptor], atMostMs: milliseconds).isEmpty else { return .nothing }
    do throws(EventLoopError) {
      return try receive()
    } catch {
      // The other end has closed with something of ours unread. What it had sent before is still there.
      guard case .system(_, ECONNRESET) = error else { throw error }
      return try receive()
    }
  }

  private func receive() throws(EventLoopError) -> Received {
    var numbers = [Int32](repeating: -1, count: Self.limitDescriptors)
    var count = 0
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.limitBytes) { room, initialized in
      let got = unsafe receive_descriptors(descriptor, room.baseAddress, room.count, &numbers, &count)
      failure = got < 0 ? errno : 0
      initialized = max(0, got)
    }
    let descriptors = numbers.prefix(count).map(HandedDescriptor.init)
    switch failure {
    case 0: break
    case EINTR, EAGAIN: return .nothing
    case let code: throw .system(call: "recvmsg", errno: code)
    }
    // No message of ours is empty.
    return bytes.isEmpty ? .end : .message(bytes, descriptors)
  }
}

/// Those of `descriptors` that can be read from, or whose other end is closed; empty when none can within the time.
public func readable(among descriptors: [Int32], atMostMs milliseconds: Int32? = nil) -> [Int32] {
  var watched = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
  guard unsafe poll(&watched, nfds_t(watched.count), milliseconds ?? -1) > 0 else { return [] }
  return watched.filter { $0.revents != 0 }.map(\.fd)
}
