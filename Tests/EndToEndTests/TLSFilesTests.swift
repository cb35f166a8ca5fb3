import Foundation
import Testing

/// What is wrong with the files and flags of TLS, in one line, before anything is started.
@Suite("Files of TLS")
struct TLSFilesTests {
  private let folder: TemporaryFolder
  private let authority: Authority
  private let pair: Authority.Pair

  init() throws {
    folder = try TemporaryFolder()
    authority = try Authority.shared.get()
    pair = try authority.sign(["localhost"])
  }

  private func serve(_ flags: [String], origin: String = "http://127.0.0.1:1") throws -> Tools.Output {
    try Tools.run(
      Relevo.binary, ["serve", "--new", origin, "--old", "http://127.0.0.1:2", "--no-startup-probes"] + flags)
  }

  private func expect(
    _ flags: [String], _ sentence: String, code: Int32 = 78, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let output = try serve(flags)
    #expect(output.exit == .code(code), "\(output)", sourceLocation: sourceLocation)
    #expect(output.errors == "relevo: \(sentence)", sourceLocation: sourceLocation)
  }

  private func tls(_ certificate: String, _ key: String) -> [String] {
    ["--tls-listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key]
  }

  @Test("files that can't be used are named, with what would be right")
  func files() throws {
    let missing = folder.path("none.pem")
    try expect(tls(missing, pair.key), "can't read \(missing): No such file or directory")
    try expect(tls(pair.certificate, missing), "can't read \(missing): No such file or directory")
    try expect(
      tls(pair.key, pair.key),
      "\(pair.key) has no certificate: it takes PEM, with -----BEGIN CERTIFICATE----- before each")
    try expect(
      tls(pair.certificate, pair.certificate),
      "\(pair.certificate) has no private key that can be read: it takes PEM, with -----BEGIN PRIVATE KEY----- before it"
    )
    let other = try authority.sign(["localhost"])
    try expect(
      tls(pair.certificate, other.key),
      "the key in \(other.key) is not that of the first certificate in \(pair.certificate): give each certificate its own"
    )
    let encrypted = folder.path("encrypted.key")
    try Authority.openssl(["pkey", "-in", pair.key, "-aes256", "-passout", "pass:x", "-out", encrypted])
    try expect(
      tls(pair.certificate, encrypted),
      "the key in \(encrypted) is encrypted, and nobody is there to give the password: decrypt it with openssl pkey -in \(encrypted)"
    )
    try folder.write("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    let cut = try serve(tls(folder.path("cut.pem"), pair.key))
    #expect(
      cut.exit == .code(78)
        && cut.errors.hasPrefix("relevo: \(folder.path("cut.pem")) is no whole PEM file: "), "\(cut)")
    let ocsp = tls(pair.certificate, pair.key) + ["--tls-ocsp"]
    try expect(
      ocsp + [pair.certificate],
      "\(pair.certificate) is no OCSP answer in DER, as openssl ocsp -respout writes it")
    let about = try authority.ocspAnswer(about: other)
    try expect(
      ocsp + [about],
      "\(about) is about none of the certificates, as far as their files hold their issuers too: fetch the right one"
    )
  }

  @Test("flags that go together are asked for together")
  func flags() throws {
    let port = ["--tls-listen", "127.0.0.1:0"]
    try expect(
      port,
      "--tls-listen needs a certificate: --tls-cert FILE, and --tls-key FILE where the key is not in it",
      code: 64)
    try expect(
      ["--tls-cert", pair.certificate],
      "--tls-cert is for clients with TLS: say where they come in, as in --tls-listen 0.0.0.0:443", code: 64)
    try expect(
      port + ["--tls-cert", pair.certificate, pair.certificate, "--tls-key", pair.key],
      "there are 2 --tls-cert and 1 --tls-key: give one key for each, in their order", code: 64)
    try expect(
      tls(pair.certificate, pair.key) + ["--tls-redirect"],
      "--tls-redirect answers clients without TLS: say where they come in, as in --listen 0.0.0.0:80",
      code: 64)
    try expect(
      ["--origin-ca", pair.certificate],
      "--origin-ca, --origin-cert and --origin-tls-insecure are for https:// origins, and there is none",
      code: 64)
    try expect(
      ["--new", "http://127.0.0.1:3,sni=a.test"],
      "sni= is for https:// origins: write https://127.0.0.1:3, or leave it out", code: 64)
  }

  @Test("one file may hold both, and a certificate that has expired, or soon will, is warned of and served")
  func expiry() throws {
    let expired = try authority.sign(["localhost"], days: -1)
    let soon = try authority.sign(["localhost"], days: 3)
    for (pair, words) in [
      (expired, "has expired on 2020-02-01: it will be refused"), (soon, "expires on 20"),
    ] {
      try folder.write(
        "both.pem",
        String(contentsOfFile: pair.certificate, encoding: .utf8)
          + String(contentsOfFile: pair.key, encoding: .utf8))
      try withRelevo(
        new: [RefusedPort()], old: [RefusedPort()],
        flags: ["--tls-listen", "127.0.0.1:0", "--tls-cert", folder.path("both.pem")]
      ) { relevo in
        #expect(
          relevo.process.errors.text.contains(
            "warning the certificate in \(folder.path("both.pem")) \(words)"))
      }
    }
  }
}
