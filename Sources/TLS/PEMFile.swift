import COpenSSL

/// Reads certificates and keys from PEM files. What it returns is the caller's to free.
enum PEMFile {
  // OpenSSL asks for passwords at the terminal unless it is given another way, which here is to have none.

  /// The certificates of a file, in its order; at least one.
  static func certificates(_ path: String) throws(TLSError) -> Certificates {
    let bio = unsafe try InputFile.open(path)
    defer { unsafe BIO_free_all(bio) }
    var certificates = Certificates()
    OpenSSLErrors.clear()
    while let certificate = unsafe PEM_read_bio_X509(bio, nil, { _, _, _, _ in -1 }, nil) {
      unsafe certificates.append(certificate)
    }
    let code = ERR_peek_last_error()
    defer { OpenSSLErrors.clear() }
    guard isEnd(code) else {
      throw TLSError("\(path) is no whole PEM file: \(OpenSSLErrors.text(code))")
    }
    if certificates.isEmpty {
      throw TLSError("\(path) has no certificate: it takes PEM, with -----BEGIN CERTIFICATE----- before each")
    }
    return certificates
  }

  /// The private key of a file.
  static func key(_ path: String) throws(TLSError) -> OpaquePointer {
    let bio = unsafe try InputFile.open(path)
    defer { unsafe BIO_free_all(bio) }
    OpenSSLErrors.clear()
    defer { OpenSSLErrors.clear() }
    var wasAsked = false
    let key = unsafe PEM_read_bio_PrivateKey(
      bio, nil,
      { _, _, _, asked in
        unsafe asked?.assumingMemoryBound(to: Bool.self).pointee = true
        return -1
      }, &wasAsked)
    if let key = unsafe key { return unsafe key }
    if wasAsked {
      throw TLSError(
        "the key in \(path) is encrypted, and nobody is there to give the password: decrypt it with openssl pkey -in \(path)"
      )
    }
    // OpenSSL does not tell a key that is broken from none.
    throw TLSError(
      "\(path) has no private key that can be read: it takes PEM, with -----BEGIN PRIVATE KEY----- before it")
  }

  private static func isEnd(_ code: UInt) -> Bool {
    code == 0 || relevo_is_pem_error(code, PEM_R_NO_START_LINE) != 0
  }
}

/// Certificates, the first of them the one that a key belongs to. Owns them.
@safe struct Certificates: ~Copyable {
  private var certificates: [OpaquePointer] = unsafe []

  mutating func append(_ certificate: OpaquePointer) { unsafe certificates.append(certificate) }

  var isEmpty: Bool { unsafe certificates.isEmpty }

  /// Valid as long as this is.
  @unsafe var all: [OpaquePointer] { unsafe certificates }

  deinit {
    for index in unsafe certificates.indices { unsafe X509_free(certificates[index]) }
  }
}
