import ArgumentParser
import Proxy
import TLS

struct OriginTLSFlags: ParsableArguments {
  @Option(
    name: .customLong("origin-ca"),
    help: .flag(
      "Believe the certificates of https origins that one of this PEM file has signed.", value: "path",
      default: "what this machine believes"),
    transform: PathArgument.init(parsing:))
  var originCA: PathArgument?

  @Option(
    help: .flag(
      "Show this certificate to https origins that ask for one.", value: "path", default: "none"),
    transform: PathArgument.init(parsing:))
  var originCert: PathArgument?

  @Option(
    help: .flag(
      "Its private key.", value: "path", default: "the file of --origin-cert, which may hold both"),
    transform: PathArgument.init(parsing:))
  var originKey: PathArgument?

  @Flag(
    name: .customLong("origin-tls-insecure"),
    help:
      "Take any certificate of https origins: whoever is between can read and change everything. (default: off)"
  )
  var originTlsInsecure = false

  static let names: Set<String> = ["origin-ca", "origin-cert", "origin-key", "origin-tls-insecure"]

  /// The checks that no flag can make alone.
  func checkTogether(_ origins: [OriginAddress]) throws(CommandFailure) {
    func refuse(_ sentence: String) -> CommandFailure { CommandFailure(sentence, code: .usage) }
    if originKey != nil, originCert == nil {
      throw refuse("--origin-key is the key of --origin-cert: give both or none")
    }
    let isSecure = origins.contains { $0.isSecure }
    if originCA != nil || originCert != nil || originTlsInsecure, !isSecure {
      throw refuse(
        "--origin-ca, --origin-cert and --origin-tls-insecure are for https:// origins, and there is none")
    }
    if originTlsInsecure, originCA != nil {
      throw refuse("--origin-tls-insecure takes any certificate, --origin-ca does not: give one of them")
    }
    if let server = origins.first(where: { $0.options.tlsName != nil && !$0.isSecure }) {
      throw refuse(
        "sni= is for https:// origins: write https:\(server.url.dropFirst("http:".count)), or leave it out")
    }
  }

  /// Those that are read.
  var files: [String] { [originCA, originCert, originKey].compactMap { $0?.description } }

  /// Reads the files; nil where none of the origins is spoken to over TLS.
  func context(for origins: [OriginAddress], keyLog: KeyLog?) throws(TLSError) -> TLSClientContext? {
    guard origins.contains(where: \.isSecure) else { return nil }
    return try TLSClientContext(configuration(keyLog: keyLog))
  }

  private func configuration(keyLog: KeyLog?) -> TLSClientConfiguration {
    var configuration = TLSClientConfiguration()
    configuration.ca = originCA?.description
    configuration.certificate = originCert.map {
      CertificateFiles(certificate: $0.description, key: originKey?.description ?? $0.description)
    }
    configuration.isInsecure = originTlsInsecure
    configuration.keyLog = keyLog
    return configuration
  }
}
