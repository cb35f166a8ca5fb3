import COpenSSL
import Glibc

/// How clients are spoken to.
public struct TLSServerConfiguration: Sendable {
  /// The first serves those who name no server, or one that none has.
  public var certificates: [CertificateFiles]
  public var minVersion = TLSVersion.tls12
  /// Files with OCSP answers, each about one of the certificates or more.
  public var stapledAnswers: [String] = []
  /// Who may have signed a client's certificate; nil asks for none.
  public var clientCA: ClientCA?
  public var keyLog: KeyLog?
  /// Clients may choose HTTP/2 (`h2`) beside HTTP/1.1.
  public var offersHTTP2 = false

  public struct ClientCA: Sendable, Equatable {
    /// PEM.
    public var path: String
    /// Nobody gets in without.
    public var isRequired: Bool

    public init(path: String, isRequired: Bool) {
      self.path = path
      self.isRequired = isRequired
    }
  }

  public init(certificates: [CertificateFiles]) { self.certificates = certificates }
}

/// The certificates and what goes with them, read and checked. Any thread may make sessions of it.
@safe public final class TLSServerContext: TLSContext, @unchecked Sendable {
  /// Of each certificate, in the order of the configuration.
  public let facts: [CertificateFacts]
  let ticketKeys: TicketKeys
  /// What clients may speak inside TLS, in the form of RFC 7301, 3.1, the best first.
  private let protocols: [UInt8]
  private let certificates: [LoadedCertificate]
  private let clientAuthority: ClientAuthority?
  /// Owned; freed in `deinit`.
  private var contexts: [OpaquePointer] = unsafe []
  private var names = ServerNames()

  /// - Throws: ``TLSError`` when a file can't be read or used.
  public init(_ configuration: TLSServerConfiguration, ticketKeys: TicketKeys) throws(TLSError) {
    certificates = try configuration.certificates.map { files throws(TLSError) in try LoadedCertificate(files)
    }
    clientAuthority = try configuration.clientCA.map { ca throws(TLSError) in try ClientAuthority(ca) }
    guard let first = certificates.first else { throw TLSError("there is no certificate") }
    for path in configuration.stapledAnswers { try StapledAnswer.load(path, for: certificates) }
    facts = certificates.map(\.facts)
    self.ticketKeys = ticketKeys
    let http1 = [8] + Array("http/1.1".utf8)
    protocols = configuration.offersHTTP2 ? [2] + Array("h2".utf8) + http1 : http1
    super.init(keyLog: configuration.keyLog)

    // One context for each set of certificates that some name can be served with, at most one of each kind of key.
    var places: [[Int]: Int] = [:]
    for name in [first.facts.names.first].compactMap(\.self) + certificates.flatMap(\.facts.names) {
      let members = self.members(of: name)
      if places[members] == nil {
        places[members] = unsafe contexts.count
        try add(members.map { certificates[$0] }, configuration)
      }
      if let place = places[members] { names.claim(name, for: place) }
    }
    if unsafe contexts.isEmpty { try add([first], configuration) }
  }

  deinit {
    for index in unsafe contexts.indices { unsafe SSL_CTX_free(contexts[index]) }
  }

  /// The certificates that have a name, the first of each kind of key.
  private func members(of name: String) -> [Int] {
    var types: Set<Int32> = []
    return certificates.indices.filter {
      certificates[$0].facts.names.contains(name) && types.insert(certificates[$0].keyType).inserted
    }
  }

  private func add(
    _ members: [LoadedCertificate], _ configuration: TLSServerConfiguration
  ) throws(TLSError) {
    let context = unsafe try makeContext(TLS_server_method(), minVersion: configuration.minVersion)
    unsafe contexts.append(context)
    for certificate in members { unsafe try certificate.install(in: context) }
    // Tickets carry the sessions: nothing is kept here, and no lock is taken for it.
    _ = unsafe relevo_ctx_set_cache_mode(context, Int(SSL_SESS_CACHE_OFF))
    _ = unsafe SSL_CTX_set_timeout(context, TicketKeys.lifetimeSeconds)
    unsafe try setSessionScope(of: context)
    unsafe TicketKeys.attach(to: context)
    if members.contains(where: { $0.stapledAnswer != nil }) { unsafe StapledAnswer.attach(to: context) }
    unsafe chooseByName(in: context)
    unsafe chooseProtocol(in: context)
    unsafe try clientAuthority?.install(in: context)
  }

  /// A session goes on only where its client has been asked for the same certificate: OpenSSL would not ask again.
  private func setSessionScope(of context: OpaquePointer) throws(TLSError) {
    let scope = Array("relevo".utf8) + (clientAuthority?.identity ?? [])
    var digest = [UInt8](repeating: 0, count: Int(SSL_MAX_SID_CTX_LENGTH))
    let isSet =
      unsafe EVP_Digest(scope, scope.count, &digest, nil, EVP_sha256(), nil) == 1
      && SSL_CTX_set_session_id_context(context, digest, UInt32(digest.count)) == 1
    if !isSet { throw TLSError("sessions can't be told apart: \(OpenSSLErrors.takeText())") }
  }

  private func chooseByName(in context: OpaquePointer) {
    _ = unsafe relevo_ctx_on_name(
      context,
      { ssl, _, _ in
        guard let owner = unsafe TLSContext.of(ssl) as? TLSServerContext,
          let name = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
        else { return SSL_TLSEXT_ERR_NOACK }
        guard let place = unsafe owner.names.place(of: String(cString: name)) else {
          return SSL_TLSEXT_ERR_NOACK
        }
        unsafe SSL_set_SSL_CTX(ssl, owner.contexts[place])
        return SSL_TLSEXT_ERR_OK
      })
  }

  private func chooseProtocol(in context: OpaquePointer) {
    unsafe SSL_CTX_set_alpn_select_cb(
      context,
      { ssl, chosen, length, offered, count, _ in
        guard let owner = unsafe TLSContext.of(ssl) as? TLSServerContext else { return SSL_TLSEXT_ERR_NOACK }
        return unsafe owner.protocols.withUnsafeBufferPointer { ours in
          var selected: UnsafeMutablePointer<UInt8>?
          // What it finds stands in the client's list or in ours, which lives as long as its context.
          let result = unsafe SSL_select_next_proto(
            &selected, length, ours.baseAddress, UInt32(ours.count), offered, count)
          guard result == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
          unsafe chosen?.pointee = unsafe UnsafePointer(selected)
          return SSL_TLSEXT_ERR_OK
        }
      }, nil)
  }

  func stapledAnswer(for certificate: OpaquePointer?) -> [UInt8]? {
    certificates.first { unsafe $0.leaf == certificate }?.stapledAnswer
  }

  /// TLS for a client's connection.
  public func makeSession(_ workspace: TLSWorkspace) throws(TLSFailure) -> TLSSession {
    try unsafe TLSSession(context: contexts[0], of: self, isServer: true, workspace: workspace)
  }
}
