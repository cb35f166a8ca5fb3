import COpenSSL

/// What a certificate's issuer says of its state, in a file that some other program fetches (RFC 6960), and that clients get
/// with the certificate (RFC 6066, 8).
enum StapledAnswer {
  /// Gives the answer in a file to each certificate that it is about.
  ///
  /// - Throws: ``TLSError`` when it is none, about none of them, or out of date.
  static func load(_ path: String, for certificates: [LoadedCertificate]) throws(TLSError) {
    let bio = unsafe try InputFile.open(path)
    defer { unsafe BIO_free_all(bio) }
    defer { OpenSSLErrors.clear() }
    guard let response = unsafe relevo_read_ocsp(bio) else {
      throw TLSError("\(path) is no OCSP answer in DER, as openssl ocsp -respout writes it")
    }
    defer { unsafe OCSP_RESPONSE_free(response) }
    guard unsafe OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL,
      let basic = unsafe OCSP_response_get1_basic(response)
    else { throw TLSError("\(path) is an OCSP responder's refusal, not an answer: fetch it again") }
    defer { unsafe OCSP_BASICRESP_free(basic) }
    var about: [LoadedCertificate] = []
    for certificate in certificates where try unsafe isCurrent(basic, about: certificate, path) {
      about.append(certificate)
    }
    if about.isEmpty {
      throw TLSError(
        "\(path) is about none of the certificates, as far as their files hold their issuers too: fetch the right one"
      )
    }
    let bytes = unsafe encoded(response)
    for certificate in about { certificate.stapledAnswer = bytes }
  }

  private static func isCurrent(
    _ basic: OpaquePointer, about certificate: LoadedCertificate, _ path: String
  ) throws(TLSError) -> Bool {
    guard let issuer = unsafe certificate.issuer else { return false }
    if try unsafe isCurrent(basic, certificate, issuer, EVP_sha1(), path) { return true }
    return try unsafe isCurrent(basic, certificate, issuer, EVP_sha256(), path)
  }

  /// - Parameter digest: by which the answer names the issuer.
  private static func isCurrent(
    _ basic: OpaquePointer, _ certificate: LoadedCertificate, _ issuer: OpaquePointer,
    _ digest: OpaquePointer?,
    _ path: String
  ) throws(TLSError) -> Bool {
    guard let id = unsafe OCSP_cert_to_id(digest, certificate.leaf, issuer) else { return false }
    defer { unsafe OCSP_CERTID_free(id) }
    var (status, reason): (Int32, Int32) = (0, 0)
    var revoked: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
    var this: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
    var next: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
    guard unsafe OCSP_resp_find_status(basic, id, &status, &reason, &revoked, &this, &next) == 1 else {
      return false
    }
    guard unsafe OCSP_check_validity(this, next, 300, -1) == 1 else {
      throw TLSError("the OCSP answer in \(path) is out of date: fetch it again")
    }
    return true
  }

  private static func encoded(_ response: OpaquePointer) -> [UInt8] {
    let count = unsafe i2d_OCSP_RESPONSE(response, nil)
    guard count > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    unsafe bytes.withUnsafeMutableBufferPointer { room in
      var place = room.baseAddress
      _ = unsafe i2d_OCSP_RESPONSE(response, &place)
    }
    return bytes
  }

  static func attach(to context: OpaquePointer) {
    _ = unsafe relevo_ctx_on_status(
      context,
      { ssl, _ in
        guard let owner = unsafe TLSContext.of(ssl) as? TLSServerContext,
          let answer = unsafe owner.stapledAnswer(for: SSL_get_certificate(ssl)),
          let copy = unsafe CRYPTO_malloc(answer.count, "", 0)
        else { return SSL_TLSEXT_ERR_NOACK }
        unsafe UnsafeMutableRawBufferPointer(start: copy, count: answer.count).copyBytes(from: answer)
        _ = unsafe relevo_ssl_set_status(ssl, copy.assumingMemoryBound(to: UInt8.self), answer.count)
        return SSL_TLSEXT_ERR_OK
      })
  }
}
