import COpenSSL
import Testing

@testable import TLS

@Suite("What both sides have agreed on")
struct TLSAgreementTests {
  @Test("every cipher suite that is offered is known, by the name that OpenSSL has for its number")
  func names() throws {
    let owner = TLSContext(keyLog: nil)
    let context = try owner.makeContext(TLS_server_method(), minVersion: .tls12)
    let connection = SSL_new(context)
    defer {
      SSL_free(connection)
      SSL_CTX_free(context)
    }
    for cipher in TLSCipher.allCases {
      let number = [UInt8(cipher.rawValue >> 8), UInt8(truncatingIfNeeded: cipher.rawValue)]
      let known = try #require(SSL_CIPHER_find(connection, number))
      #expect(String(cString: SSL_CIPHER_get_name(known)) == "\(cipher.name)")
    }
    var offered: [String] = []
    while let name = SSL_get_cipher_list(connection, Int32(offered.count)) {
      offered.append(String(cString: name))
    }
    #expect(offered.count >= 9)
    #expect(Set(offered).isSubset(of: TLSCipher.allCases.map { "\($0.name)" }))
  }
}
