import COpenSSL

/// Who may have signed a client's certificate, as the file was when it was read.
@safe final class ClientAuthority {
  private let path: String
  private let certificates: Certificates
  private let isRequired: Bool

  init(_ ca: TLSServerConfiguration.ClientCA) throws(TLSError) {
    path = ca.path
    isRequired = ca.isRequired
    certificates = try PEMFile.certificates(ca.path)
  }

  /// Tells it from all that would let others in: fingerprints, and whether one of them is needed.
  var identity: [UInt8] {
    var identity: [UInt8] = [isRequired ? 1 : 0]
    for index in unsafe certificates.all.indices {
      var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
      var count: UInt32 = 0
      _ = unsafe X509_digest(certificates.all[index], EVP_sha256(), &digest, &count)
      identity += digest.prefix(Int(count))
    }
    return identity
  }

  /// Has a context ask its clients for a certificate.
  func install(in context: OpaquePointer) throws(TLSError) {
    OpenSSLErrors.clear()
    let isInstalled = unsafe certificates.all.allSatisfy {
      unsafe X509_STORE_add_cert(SSL_CTX_get_cert_store(context), $0) == 1
        && SSL_CTX_add_client_CA(context, $0) == 1
    }
    guard isInstalled else { throw TLSError("\(path) can't be used: \(OpenSSLErrors.takeText())") }
    let mode = SSL_VERIFY_PEER | (isRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
    unsafe SSL_CTX_set_verify(context, mode, nil)
  }
}
