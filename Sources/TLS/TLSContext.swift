import COpenSSL

/// What connections of one kind have in common. Its subclasses say of which kind.
@safe public class TLSContext: @unchecked Sendable {
  let keyLog: KeyLog?

  init(keyLog: KeyLog?) { self.keyLog = keyLog }

  /// The object that a connection's OpenSSL context belongs to. Its session keeps it alive.
  static func of(_ ssl: OpaquePointer?) -> TLSContext? {
    guard let context = unsafe SSL_get_SSL_CTX(ssl), let data = unsafe relevo_ctx_data(context) else {
      return nil
    }
    return unsafe Unmanaged<TLSContext>.fromOpaque(data).takeUnretainedValue()
  }

  /// Mozilla's intermediate profile without its DHE suites, which let any client make the server compute for nothing.
  private static let suites = """
    ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
    ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
    """
  private static let groups = "X25519:P-256:P-384"

  /// An OpenSSL context that points to this object. The caller frees it, not later than this object goes.
  func makeContext(_ method: OpaquePointer?, minVersion: TLSVersion) throws(TLSError) -> OpaquePointer {
    OpenSSLErrors.clear()
    guard let context = unsafe SSL_CTX_new(method) else {
      throw TLSError("OpenSSL makes no context: \(OpenSSLErrors.takeText())")
    }
    unsafe relevo_ctx_set_data(context, Unmanaged.passUnretained(self).toOpaque())
    let version: Int32 =
      switch minVersion {
      case .tls12: TLS1_2_VERSION
      case .tls13: TLS1_3_VERSION
      }
    let isSet =
      unsafe relevo_ctx_set_min_version(context, version) == 1
      && SSL_CTX_set_cipher_list(context, Self.suites) == 1
      && relevo_ctx_set_groups(context, Self.groups) == 1
    guard isSet else {
      unsafe SSL_CTX_free(context)
      throw TLSError("OpenSSL lacks what TLS \(minVersion.rawValue) needs here: \(OpenSSLErrors.takeText())")
    }
    unsafe relevo_ctx_set_options(context)
    // An idle connection keeps no buffers, and one receive takes all that a buffer holds.
    _ = unsafe relevo_ctx_set_mode(
      context,
      Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
    _ = unsafe relevo_ctx_set_read_ahead(context)
    if keyLog != nil { unsafe KeyLog.attach(to: context) }
    return unsafe context
  }
}
