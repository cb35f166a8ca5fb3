import COpenSSL
import EventLoop
import Glibc

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
    var session: OpaquePointer?
    deinit { unsafe SSL_SESSION_free(session) }
  }

  private let kept = Locked(Kept())

  public init() {}

  /// Takes a session over.
  func keep(_ session: OpaquePointer) {
    kept.withLock { kept in
      unsafe SSL_SESSION_free(kept.session)
      unsafe kept.session = unsafe session
    }
  }

  /// Has a connection that is to begin go on with it.
  func offer(to ssl: OpaquePointer) {
    kept.withLock { kept in
      if let session = unsafe kept.session { _ = unsafe SSL_set_session(ssl, session) }
    }
  }
}

/// Roots, and a certificate of our own, read and checked. Any thread may make sessions of it.
@safe public final class TLSClientContext: TLSContext, @unchecked Sendable {
  /// Owned; freed in `deinit`.
  private var context: OpaquePointer?
  private let isInsecure: Bool
  /// What is said of our own certificate.
  public let facts: CertificateFacts?

  /// - Throws: ``TLSError`` when a file can't be read or used.
  public init(_ configuration: TLSClientConfiguration) throws(TLSError) {
    let own = try configuration.certificate.map { files throws(TLSError) in try LoadedCertificate(files) }
    facts = own?.facts
    isInsecure = configuration.isInsecure
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
    unsafe SSL_CTX_set_verify(context, isInsecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nil)
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
  ///   - store: of this server, for connections of this context alone.
  public func makeSession(
    to name: String, store: TLSSessionStore, _ workspace: TLSWorkspace
  ) throws(TLSFailure) -> TLSSession {
    guard let context = unsafe context else { throw .outOfMemory }
    let session = try unsafe TLSSession(
      context: context, of: self, isServer: false, workspace: workspace, store: store)
    var isSet: Bool
    if Self.isAddress(name) {
      isSet = unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.ssl), name) == 1
    } else {
      unsafe SSL_set_hostflags(session.ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
      isSet = unsafe SSL_set1_host(session.ssl, name) == 1 && relevo_ssl_set_name(session.ssl, name) == 1
    }
    if !isSet { throw .outOfMemory }
    unsafe store.offer(to: session.ssl)
    return session
  }

  private static func isAddress(_ name: String) -> Bool {
    var room = in6_addr()
    return unsafe inet_pton(AF_INET, name, &room) == 1 || inet_pton(AF_INET6, name, &room) == 1
  }
}
