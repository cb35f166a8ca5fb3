import COpenSSL
import EventLoop
import Glibc

/// TLS on one connection, of a client or to an origin.
@safe public final class TLSSession: SocketLayer {
  private enum State {
    case opening
    case open
    /// Nothing more can be sent or received.
    case failed(TLSFailure)
  }

  /// Encrypted at a time, so that several records leave with one system call and no peer that stopped reading has more of
  /// them kept for it.
  private static let burstBytes = 4 * TLSWorkspace.recordBytes
  /// What a peer that does not read may make TLS itself answer.
  private static let mostUnsentBytes = 512 << 10

  /// Owned, with the BIO in it; freed in `deinit`.
  let ssl: OpaquePointer
  /// Owned; freed in `deinit`, after `ssl`.
  private let transport: UnsafeMutablePointer<Transport>
  private let workspace: TLSWorkspace
  /// Kept, as OpenSSL asks it questions during the handshake.
  private let context: TLSContext
  /// Where sessions go that a later connection can go on with.
  private let store: TLSSessionStore?
  private var state = State.opening
  /// Records that the socket did not take.
  private var unsent = ByteBlock()
  private var hasSentEnd = false
  /// Nothing is to be had, not even the end once more, before the socket has something.
  private var isDry = false

  /// - Parameters:
  ///   - context: OpenSSL's, whose data is `owner`.
  ///   - workspace: of the loop that the connection is on.
  init(
    context: OpaquePointer, of owner: TLSContext, isServer: Bool, workspace: TLSWorkspace,
    store: TLSSessionStore? = nil
  ) throws(TLSFailure) {
    guard let method = unsafe Transport.method, let ssl = unsafe SSL_new(context) else { throw .outOfMemory }
    guard let bio = unsafe BIO_new(method) else {
      unsafe SSL_free(ssl)
      throw .outOfMemory
    }
    unsafe self.ssl = unsafe ssl
    self.workspace = workspace
    self.context = owner
    self.store = store
    unsafe transport = .allocate(capacity: 1)
    unsafe transport.initialize(to: Transport(output: workspace.output))
    unsafe BIO_set_data(bio, transport)
    unsafe SSL_set_bio(ssl, bio, bio)
    super.init()
    unsafe relevo_ssl_set_data(ssl, Unmanaged.passUnretained(self).toOpaque())
    if isServer { unsafe SSL_set_accept_state(ssl) } else { unsafe SSL_set_connect_state(ssl) }
  }

  deinit {
    unsafe SSL_free(ssl)
    unsafe transport.pointee.early.free()
    unsafe transport.deallocate()
    unsent.free()
  }

  /// Why it can't be used; nil as long as it can.
  public var failure: TLSFailure? {
    if case .failed(let failure) = state { failure } else { nil }
  }

  /// It goes on with an earlier session, without the cost of a whole handshake.
  public var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

  /// Both sides have agreed on HTTP/2 (RFC 9113, 3.2).
  public var speaksHTTP2: Bool {
    var name: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    unsafe SSL_get0_alpn_selected(ssl, &name, &count)
    return unsafe UnsafeBufferPointer(start: name, count: Int(count)).elementsEqual("h2".utf8)
  }

  /// Whom the peer's certificate names, as RFC 4514 writes it, such as `CN=ann,O=Example`; nil when it has sent none.
  public var peerSubject: String? {
    guard let certificate = unsafe SSL_get0_peer_certificate(ssl), let text = unsafe BIO_new(BIO_s_mem())
    else {
      return nil
    }
    defer { unsafe BIO_free_all(text) }
    unsafe X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, relevo_name_flags)
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = unsafe BIO_read(text, &bytes, Int32(bytes.count))
    return count > 0 ? String(decoding: bytes.prefix(Int(count)), as: UTF8.self) : nil
  }

  static func of(_ ssl: OpaquePointer?) -> TLSSession? {
    guard let data = unsafe relevo_ssl_data(ssl) else { return nil }
    return unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
  }

  /// Takes a session over that a later connection can go on with; false when nobody wants it.
  func keep(_ session: OpaquePointer) -> Bool {
    guard let store, let context = context as? TLSClientContext else { return false }
    unsafe store.keep(session, of: context.number)
    return true
  }

  // MARK: The socket

  public override func begin(_ descriptor: Int32) { unsafe transport.pointee.descriptor = descriptor }

  public override func take(_ received: RawSpan) {
    let isKept = unsafe received.withUnsafeBytes { unsafe transport.pointee.early.append($0) }
    if !isKept { state = .failed(.outOfMemory) }
  }

  public override func socketIsReady(_ events: SocketEvents) {
    if events.contains(.readable) {
      unsafe transport.pointee.isReadable = true
      isDry = false
    }
    if events.contains(.peerClosed) {
      isDry = false
      unsafe transport.pointee.isReadable = true
      unsafe transport.pointee.endIsNear = true
    }
    if events.contains(.writable) {
      unsafe transport.pointee.isWritable = true
      sendUnsent()
    }
  }

  public override var isOpen: Bool { if case .open = state { true } else { false } }

  public override var isReadable: Bool {
    switch state {
    case .opening: false
    case .open:
      unsafe !isDry
        && (transport.pointee.isReadable || transport.pointee.early.count > 0 || transport.pointee.hasEnded
          || SSL_has_pending(ssl) != 0)
    case .failed: !isDry
    }
  }

  public override var isWritable: Bool {
    switch state {
    case .opening: false
    case .open: unsafe transport.pointee.isWritable && unsent.count == 0
    case .failed: true
    }
  }

  public override var hasUnsent: Bool { unsent.count > 0 }

  // MARK: Opening

  public override func open() -> Opening {
    switch state {
    case .open: return .open
    case .failed: return .failed
    case .opening: break
    }
    OpenSSLErrors.clear()
    let result = unsafe SSL_do_handshake(ssl)
    let failure = result == 1 ? nil : failure(of: result)
    sendOutput()
    if result == 1, case .opening = state { state = .open }
    if let failure { fail(failure) }
    switch state {
    case .opening: return .waiting
    case .open: return .open
    case .failed: return .failed
    }
  }

  // MARK: Bytes

  public override func receive(into room: UnsafeMutableRawBufferPointer) -> Received {
    if case .failed(let failure) = state {
      isDry = true
      return .failed(errno: failure.errno)
    }
    OpenSSLErrors.clear()
    var count = 0
    let result = unsafe SSL_read_ex(ssl, room.baseAddress, room.count, &count)
    let ending = result == 1 ? nil : ending(of: result)
    // A message of TLS itself may have been answered.
    sendOutput()
    isDry = ending != nil
    switch ending {
    case nil: return .bytes(count)
    case .waits: return .wouldBlock
    case .end: return .end
    case .failure(let failure):
      fail(failure)
      return .failed(errno: failure.errno)
    }
  }

  public override func send(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Sent {
    var (first, second) = unsafe (first, second)
    var taken = 0
    while isWritable {
      if case .failed(let failure) = state { return .failed(errno: failure.errno) }
      OpenSSLErrors.clear()
      var burst = 0
      while burst < Self.burstBytes {
        let part = unsafe nextPart(&first, &second)
        if part.count == 0 { break }
        var count = 0
        guard unsafe SSL_write_ex(ssl, part.baseAddress, part.count, &count) == 1 else {
          fail(failure(of: 0) ?? .handshake(reason: "it can't be sent in now"))
          break
        }
        burst += part.count
      }
      sendOutput()
      taken += burst
      if unsafe first.isEmpty && second.isEmpty { break }
    }
    if taken == 0, case .failed(let failure) = state { return .failed(errno: failure.errno) }
    return .bytes(taken)
  }

  /// Takes a record's worth away: from both, put together, where the first does not fill one.
  private func nextPart(
    _ first: inout UnsafeRawBufferPointer, _ second: inout UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer {
    let most = TLSWorkspace.recordBytes
    if unsafe first.isEmpty { return unsafe Self.front(&second, most) }
    if unsafe second.isEmpty || first.count >= most { return unsafe Self.front(&first, most) }
    let head = unsafe Self.front(&first, most)
    let body = unsafe Self.front(&second, most - head.count)
    unsafe workspace.joint.copyMemory(from: head)
    unsafe UnsafeMutableRawBufferPointer(rebasing: workspace.joint[head.count...]).copyMemory(from: body)
    return unsafe UnsafeRawBufferPointer(rebasing: workspace.joint[..<(head.count + body.count)])
  }

  private static func front(_ bytes: inout UnsafeRawBufferPointer, _ most: Int) -> UnsafeRawBufferPointer {
    let count = min(bytes.count, most)
    defer { unsafe bytes = unsafe UnsafeRawBufferPointer(rebasing: bytes[count...]) }
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[..<count])
  }

  public override func end() {
    guard case .open = state, !hasSentEnd else { return }
    hasSentEnd = true
    OpenSSLErrors.clear()
    _ = unsafe SSL_shutdown(ssl)
    OpenSSLErrors.clear()
    sendOutput()
  }

  // MARK: What goes out

  /// Sends what OpenSSL has written during this call, behind what is unsent.
  private func sendOutput() {
    let output = unsafe workspace.output
    if unsafe output.pointee.count == 0 { return }
    defer { unsafe output.pointee.drop(output.pointee.count) }
    var sent = 0
    if unsent.count == 0 {
      guard let count = unsafe transport.pointee.send(output.pointee.bytes) else { return socketFailed() }
      sent = count
    }
    let rest = unsafe UnsafeRawBufferPointer(rebasing: output.pointee.bytes[sent...])
    if unsafe rest.isEmpty { return }
    guard rest.count <= Self.mostUnsentBytes - unsent.count else { return fail(.floods) }
    if unsafe !unsent.append(rest) { fail(.outOfMemory) }
  }

  private func sendUnsent() {
    if unsent.count == 0 { return }
    guard let count = unsafe transport.pointee.send(unsent.bytes) else { return socketFailed() }
    unsent.drop(count)
    if unsent.count == 0 { unsent.free() }
  }

  private func socketFailed() {
    fail(.system(errno: unsafe transport.pointee.errno))
  }

  private func fail(_ failure: TLSFailure) {
    if case .failed = state { return }
    state = .failed(failure)
    unsent.free()
  }

  // MARK: What OpenSSL says

  private enum Ending {
    case waits
    case end
    case failure(TLSFailure)
  }

  private func failure(of result: Int32) -> TLSFailure? {
    switch ending(of: result) {
    case .waits: nil
    case .end: .cutOff
    case .failure(let failure): failure
    }
  }

  private func ending(of result: Int32) -> Ending {
    defer { OpenSSLErrors.clear() }
    switch unsafe SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .waits
    case SSL_ERROR_ZERO_RETURN: return .end
    default: return .failure(currentFailure)
    }
  }

  private var currentFailure: TLSFailure {
    let code = OpenSSLErrors.first
    if unsafe transport.pointee.errno != 0 { return .system(errno: unsafe transport.pointee.errno) }
    if code == 0 { return .cutOff }
    if OpenSSLErrors.isTLS(code, SSL_R_UNEXPECTED_EOF_WHILE_READING) { return .cutOff }
    if OpenSSLErrors.isTLS(code, SSL_R_HTTP_REQUEST) { return .plainHTTP }
    if OpenSSLErrors.isTLS(code, SSL_R_CERTIFICATE_VERIFY_FAILED) {
      return .certificate(
        reason: unsafe String(cString: X509_verify_cert_error_string(SSL_get_verify_result(ssl))))
    }
    if relevo_error_is_fatal_alert(code) != 0 { return .alert(OpenSSLErrors.text(code)) }
    return .handshake(reason: OpenSSLErrors.text(code))
  }
}

extension TLSFailure {
  /// What a socket's user is told.
  var errno: Int32 {
    switch self {
    case .system(let code): code
    case .cutOff: ECONNRESET
    case .outOfMemory: ENOMEM
    case .plainHTTP, .certificate, .alert, .handshake, .floods: EPROTO
    }
  }
}
