import COpenSSL
import Glibc

/// A certificate, with the chain that leads to its root behind it, and its private key: two PEM files, or one that has both.
public struct CertificateFiles: Sendable, Hashable {
  public var certificate: String
  public var key: String

  public init(certificate: String, key: String) {
    self.certificate = certificate
    self.key = key
  }
}

/// What a certificate says of itself.
public struct CertificateFacts: Sendable, Equatable {
  public var path: String
  /// In lower case; with `*` for any one label.
  public var names: [String]
  /// In seconds since 1970.
  public var notBefore: Int
  public var notAfter: Int

  public func hasExpired(at now: Int) -> Bool { now > notAfter }
  public func isTooEarly(at now: Int) -> Bool { now < notBefore }

  /// `2027-01-31`, of a time in seconds since 1970.
  public static func day(_ seconds: Int) -> String {
    var (time, parts) = unsafe (time_t(seconds), tm())
    _ = unsafe gmtime_r(&time, &parts)
    func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return unsafe "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
  }
}

/// A pair of files as it was read, checked.
@safe final class LoadedCertificate {
  let facts: CertificateFacts
  /// Owned; freed in `deinit`.
  private let key: OpaquePointer
  private let certificates: Certificates
  /// Such as RSA or EC: a client is offered one of each.
  let keyType: Int32
  /// DER; what is said of it when a client asks for its state.
  var stapledAnswer: [UInt8]?

  init(_ files: CertificateFiles) throws(TLSError) {
    let certificates = try PEMFile.certificates(files.certificate)
    let key = unsafe try PEMFile.key(files.key)
    let leaf = unsafe certificates.all[0]
    guard unsafe X509_check_private_key(leaf, key) == 1 else {
      unsafe EVP_PKEY_free(key)
      OpenSSLErrors.clear()
      throw TLSError(
        "the key in \(files.key) is not that of the first certificate in \(files.certificate): give each certificate its own"
      )
    }
    facts = CertificateFacts(
      path: files.certificate, names: unsafe Self.names(of: leaf),
      notBefore: unsafe Self.seconds(X509_get0_notBefore(leaf)),
      notAfter: unsafe Self.seconds(X509_get0_notAfter(leaf)))
    keyType = unsafe EVP_PKEY_get_base_id(key)
    unsafe self.key = unsafe key
    self.certificates = certificates
  }

  deinit { unsafe EVP_PKEY_free(key) }

  /// The certificate itself; valid as long as this is.
  @unsafe var leaf: OpaquePointer { unsafe certificates.all[0] }

  /// Whose key has signed it, when the file has that.
  @unsafe var issuer: OpaquePointer? { unsafe certificates.all.dropFirst().first }

  func install(in context: OpaquePointer) throws(TLSError) {
    OpenSSLErrors.clear()
    var isInstalled =
      unsafe SSL_CTX_use_certificate(context, leaf) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1
    isInstalled =
      unsafe isInstalled
      && certificates.all.dropFirst().allSatisfy {
        unsafe relevo_ctx_add_chain(context, $0) == 1
      }
    // Such as a key that is too short to be safe.
    if !isInstalled { throw TLSError("\(facts.path) can't be used: \(OpenSSLErrors.takeText())") }
  }

  private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int {
    var parts = unsafe tm()
    guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return 0 }
    return unsafe timegm(&parts)
  }

  /// Names beside the subject alone count (RFC 9525, 6.3), but for certificates that have none.
  private static func names(of certificate: OpaquePointer) -> [String] {
    var names: [String] = []
    if let raw = unsafe X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) {
      let all = OpaquePointer(raw)
      for index in 0..<Int32(clamping: unsafe relevo_general_names_count(all)) {
        guard let text = unsafe relevo_dns_name(relevo_general_name(all, index)) else { continue }
        let bytes = unsafe UnsafeBufferPointer(
          start: ASN1_STRING_get0_data(text), count: Int(max(0, ASN1_STRING_length(text))))
        unsafe names.append(String(decoding: bytes, as: UTF8.self).lowercased())
      }
      unsafe GENERAL_NAMES_free(all)
    }
    if !names.isEmpty { return names }
    var room = [CChar](repeating: 0, count: 256)
    let count = unsafe X509_NAME_get_text_by_NID(
      X509_get_subject_name(certificate), NID_commonName, &room, Int32(room.count))
    guard count > 0 else { return [] }
    return [
      String(decoding: room.prefix(Int(count)).map(UInt8.init(bitPattern:)), as: UTF8.self).lowercased()
    ]
  }
}
