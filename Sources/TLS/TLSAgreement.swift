import COpenSSL

/// What both sides of a connection have agreed on.
public struct TLSAgreement: Sendable, Equatable {
  public let version: TLSVersion
  public let cipher: TLSCipher

  public init(version: TLSVersion, cipher: TLSCipher) {
    self.version = version
    self.cipher = cipher
  }
}

/// The cipher suites that Relevo speaks, by their numbers in IANA's registry: those of ``TLSContext``, and those of TLS 1.3
/// that OpenSSL knows (RFC 8446, B.4).
public enum TLSCipher: UInt16, Sendable, CaseIterable {
  case aes128GCM = 0x1301
  case aes256GCM = 0x1302
  case chaCha20Poly1305 = 0x1303
  case aes128CCM = 0x1304
  case aes128CCM8 = 0x1305
  case ecdsaAES128GCM = 0xC02B
  case ecdsaAES256GCM = 0xC02C
  case rsaAES128GCM = 0xC02F
  case rsaAES256GCM = 0xC030
  case rsaChaCha20Poly1305 = 0xCCA8
  case ecdsaChaCha20Poly1305 = 0xCCA9

  /// As OpenSSL, nginx and HAProxy write it.
  public var name: StaticString {
    switch self {
    case .aes128GCM: "TLS_AES_128_GCM_SHA256"
    case .aes256GCM: "TLS_AES_256_GCM_SHA384"
    case .chaCha20Poly1305: "TLS_CHACHA20_POLY1305_SHA256"
    case .aes128CCM: "TLS_AES_128_CCM_SHA256"
    case .aes128CCM8: "TLS_AES_128_CCM_8_SHA256"
    case .ecdsaAES128GCM: "ECDHE-ECDSA-AES128-GCM-SHA256"
    case .ecdsaAES256GCM: "ECDHE-ECDSA-AES256-GCM-SHA384"
    case .rsaAES128GCM: "ECDHE-RSA-AES128-GCM-SHA256"
    case .rsaAES256GCM: "ECDHE-RSA-AES256-GCM-SHA384"
    case .rsaChaCha20Poly1305: "ECDHE-RSA-CHACHA20-POLY1305"
    case .ecdsaChaCha20Poly1305: "ECDHE-ECDSA-CHACHA20-POLY1305"
    }
  }
}

extension TLSVersion {
  /// As OpenSSL, nginx and HAProxy write it.
  public var name: StaticString {
    switch self {
    case .tls12: "TLSv1.2"
    case .tls13: "TLSv1.3"
    }
  }
}

extension TLSSession {
  /// Nil before the handshake has come so far.
  public var agreement: TLSAgreement? {
    guard let cipher = unsafe SSL_get_current_cipher(ssl) else { return nil }
    let version: TLSVersion
    switch unsafe SSL_version(ssl) {
    case TLS1_2_VERSION: version = .tls12
    case TLS1_3_VERSION: version = .tls13
    default: return nil
    }
    return unsafe TLSCipher(rawValue: SSL_CIPHER_get_protocol_id(cipher)).map {
      TLSAgreement(version: version, cipher: $0)
    }
  }
}
