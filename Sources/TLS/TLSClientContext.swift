import COpenSSL
import EventLoop
import Glibc
import Synchronization

/// How origins are spoken to.
public struct TLSClientConfiguration: Sendable {
  /// PEM with the roots that are believed; nil for the system's.
  public var ca: String?
  /// What the origins get to see of us.
  public var certificate: CertificateFiles?
  /// Anybody may be the origin.
  public var isInsecure = false
  public var keyLog: KeyLog?

  public init() {}
}

/// Sessions that can be gone on with, of one server. Any thread may use it.
@safe public final class TLSSessionStore: Sendable {
  /// Owned.
  @safe private struct Kept: ~Copyable {
    /// Whose: what one has checked, another may not trust.
    var context: UInt64 = 0
    var session: OpaquePointer?
    deinit { unsafe SSL_SESSION_free(session) }
  }

  private let kept = Locked(Kept())

  public init() {}

  /// Takes a session over.
  func keep(_ session: OpaquePointer, of context: UInt64) {
    kept.withLock { kept in
      kept.context = context
      unsafe SSL_SESSION_free(kept.session)
      unsafe kept.session = unsafe session
    }
  }

  /// Has a connection that is to begin go on with it.
  func offer(to ssl: OpaquePointer, of context: UInt64) {
    kept.withLock { kept in
      if kept.context == context, let session = unsafe kept.session {
        _ = unsafe SSL_set_session(ssl, session)
      }
    }
  }
}

/// Roots, and a certificate of our own, read and checked. Any thread may make sessions of it.
@safe public final class TLSClientContext: TLSContext, @unchecked Sendable {
  /// Owned; freed in `deinit`.
  private var context: OpaquePointer?
  /// No other context of the process has it.
  let number: UInt64
  private static let numbers = Atomic<UInt64>(0)
  /// What is said of our own certificate.
  public let facts: CertificateFacts?

  /// - Throws: ``TLSError`` when a file can't be read or used.
  public init(_ configuration: TLSClientConfiguration) throws(TLSError) {
    let own = try configuration.certificate.map { files throws(TLSError) in try LoadedCertificate(files) }
    facts = own?.facts
    number = Self.numbers.add(1, ordering: .relaxed).newValue
    super.init(keyLog: configuration.keyLog)
    let context = unsafe try makeContext(TLS_client_method(), minVersion: .tls12)
    unsafe self.context = unsafe context
    if let ca = configuration.ca {
      _ = try PEMFile.certificates(ca)
      guard unsafe SSL_CTX_load_verify_file(context, ca) == 1 else {
        throw TLSError("\(ca) can't be used: \(OpenSSLErrors.takeText())")
      }
    } else {
      _ = unsafe SSL_CTX_set_default_verify_paths(context)
    }
    unsafe SSL_CTX_set_verify(context, configuration.isInsecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nil)
    unsafe try own?.install(in: context)
    _ = unsafe relevo_ctx_set_cache_mode(context, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL))
    unsafe SSL_CTX_sess_set_new_cb(context) { ssl, session in
      guard let session = unsafe session, let owner = unsafe TLSSession.of(ssl) else { return 0 }
      return unsafe owner.keep(session) ? 1 : 0
    }
  }

  deinit { unsafe SSL_CTX_free(context) }

  /// TLS for a connection to a server.
  ///
  /// - Parameters:
  ///   - name: the name, or the address, that its certificate must have; it is told the name (RFC 6066, 3).
  ///   - store: of this server, which other contexts may use as well.
  public func makeSession(
    to name: String, store: TLSSessionStore, _ workspace: TLSWorkspace
  ) throws(TLSFailure) -> TLSSession {
    guard let context = unsafe context else { throw .outOfMemory }
    let session = try unsafe TLSSession(
      context: context, of: self, isServer: false, workspace: workspace, store: store)
    guard unsafe Self.expect(name, of: session.ssl) else { throw .outOfMemory }
    unsafe store.offer(to: session.ssl, of: number)
    return session
  }

  /// TLS for a request of an `HTTPClient`.
  public func peer(named name: String) -> any HTTPClientTLS { TLSPeer(context: self, name: name) }

  /// OpenSSL's side of a connection to a server of this name, which the caller owns.
  func makeConnection(to name: String) -> OpaquePointer? {
    guard let context = unsafe context, let ssl = unsafe SSL_new(context) else { return nil }
    guard unsafe Self.expect(name, of: ssl) else {
      unsafe SSL_free(ssl)
      return nil
    }
    return unsafe ssl
  }

  /// Has a connection go on only with a server whose certificate has the name, and tells it the name; false without memory.
  private static func expect(_ name: String, of ssl: OpaquePointer) -> Bool {
    if isAddress(name) { return unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1 }
    unsafe SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    return unsafe SSL_set1_host(ssl, name) == 1 && relevo_ssl_set_name(ssl, name) == 1
  }

  private static func isAddress(_ name: String) -> Bool {
    var room = in6_addr()
    return unsafe inet_pton(AF_INET, name, &room) == 1 || inet_pton(AF_INET6, name, &room) == 1
  }
}

/// A server as an `HTTPClient` speaks to it.
private struct TLSPeer: HTTPClientTLS {
  let context: TLSClientContext
  let name: String

  func makeConnection() -> OpaquePointer? { unsafe context.makeConnection(to: name) }

  func failure(of connection: OpaquePointer, code: UInt) -> String? {
    let verdict = unsafe SSL_get_verify_result(connection)
    if verdict != X509_V_OK {
      return TLSFailure.certificate(reason: unsafe String(cString: X509_verify_cert_error_string(verdict)))
        .description
    }
    // A socket that failed has a code of another library, or of none.
    return relevo_is_ssl_library(code) == 0
      ? nil : TLSFailure.handshake(reason: OpenSSLErrors.text(code)).description
  }
}
