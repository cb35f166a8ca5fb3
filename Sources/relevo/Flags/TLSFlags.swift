import ArgumentParser
import Proxy
import TLS

struct TLSFlags: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: .flag(
      "Accept clients with TLS here; may be given several times. host:port, [v6]:port or unix:/path.",
      value: "address", default: "none"),
    transform: ListenAddress.init(flag:))
  var tlsListen: [ListenAddress] = []

  @Option(
    parsing: .upToNextOption,
    help: .flag(
      "Show clients the certificate in this PEM file, with the chain to its root behind it; may be given several times: the name that a client asks for chooses, wildcards count, and the first is for all others. RSA and ECDSA of one name go together. SIGHUP reads it again.",
      value: "path", default: "none"),
    transform: PathArgument.init(parsing:))
  var tlsCert: [PathArgument] = []

  @Option(
    parsing: .upToNextOption,
    help: .flag(
      "Its private key, not encrypted; one for each --tls-cert, in their order.", value: "path",
      default: "the file of --tls-cert, which may hold both"),
    transform: PathArgument.init(parsing:))
  var tlsKey: [PathArgument] = []

  @Option(help: .flag("Speak no older TLS with clients: 1.2 or 1.3.", value: "version", default: "1.2"))
  var tlsMinVersion = TLSVersion.tls12

  @Option(
    parsing: .upToNextOption,
    help: .flag(
      "Staple this answer of the issuer's OCSP responder (DER, as openssl ocsp -respout writes it) to the certificates that it is about; may be given several times. SIGHUP reads it again.",
      value: "path", default: "none"),
    transform: PathArgument.init(parsing:))
  var tlsOCSP: [PathArgument] = []

  @Option(
    name: .customLong("tls-client-ca"),
    help: .flag(
      "Ask clients for a certificate that one of this PEM file has signed. Origins get its subject as X-SSL-Client-Subject, which no client can send past that.",
      value: "path", default: "none"),
    transform: PathArgument.init(parsing:))
  var tlsClientCA: PathArgument?

  @Option(
    help: .flag(
      "Let nobody in without such a certificate (required), or take those without as well (optional).",
      value: "required|optional", default: "required"))
  var tlsClientAuth: ClientAuthArgument?

  @Flag(
    help:
      "Answer clients without TLS 308 to the same URL with https; what is below /.well-known/acme-challenge/ is served. (default: off)"
  )
  var tlsRedirect = false

  @Option(
    help: .flag(
      "The port that clients reach TLS at, for --tls-redirect.", value: "port", default: "443"),
    transform: CountArgument.within(1...65_535))
  var tlsRedirectPort: Int?

  @Option(
    help: .flag(
      "Have clients with TLS use nothing else for this long (Strict-Transport-Security), as in 365d; an origin's own word is replaced. 0 has them forget it.",
      value: "time", default: "off"),
    transform: DurationArgument.from(.seconds(0), to: .days(3650)))
  var tlsHSTS: DurationArgument?

  @Option(
    help: .flag(
      "Write the secrets of every TLS connection here, to clients and to origins, for Wireshark and the like (SSLKEYLOGFILE). Whoever has the file can read captured traffic.",
      value: "path", default: "none"),
    transform: PathArgument.init(parsing:))
  var tlsKeylog: PathArgument?

  /// The checks that no flag can make alone.
  ///
  /// - Parameters:
  ///   - listensWithout: clients come in without TLS, too.
  ///   - inheritsSocket: a socket for clients with TLS was handed over.
  func checkTogether(listensWithout: Bool, inheritsSocket: Bool) throws(CommandFailure) {
    func refuse(_ sentence: String) -> CommandFailure { CommandFailure(sentence, code: .usage) }
    if tlsListen.isEmpty, !inheritsSocket {
      let idle: [(String, Bool)] = [
        ("--tls-cert", !tlsCert.isEmpty), ("--tls-key", !tlsKey.isEmpty), ("--tls-ocsp", !tlsOCSP.isEmpty),
        ("--tls-client-ca", tlsClientCA != nil),
      ]
      if let (flag, _) = idle.first(where: { $0.1 }) {
        throw refuse(
          "\(flag) is for clients with TLS: say where they come in, as in --tls-listen 0.0.0.0:443")
      }
    } else if tlsCert.isEmpty {
      throw refuse(
        "--tls-listen needs a certificate: --tls-cert FILE, and --tls-key FILE where the key is not in it")
    }
    if !tlsKey.isEmpty, tlsKey.count != tlsCert.count {
      throw refuse(
        "there are \(tlsCert.count) --tls-cert and \(tlsKey.count) --tls-key: give one key for each, in their order"
      )
    }
    if tlsClientAuth != nil, tlsClientCA == nil {
      throw refuse("--tls-client-auth needs --tls-client-ca: who may sign a client's certificate")
    }
    if tlsRedirectPort != nil, !tlsRedirect {
      throw refuse("--tls-redirect-port is for --tls-redirect: give both or none")
    }
    if tlsRedirect, !listensWithout {
      throw refuse(
        "--tls-redirect answers clients without TLS: say where they come in, as in --listen 0.0.0.0:80")
    }
  }

  /// Those that are read.
  var files: [String] {
    (tlsCert + tlsKey + tlsOCSP + [tlsClientCA].compactMap(\.self)).map(\.description)
  }

  /// Nil where no client speaks TLS.
  func clients(offersHTTP2: Bool, keyLog: KeyLog?) -> TLSServerConfiguration? {
    guard !tlsCert.isEmpty else { return nil }
    let files = tlsCert.indices.map {
      CertificateFiles(
        certificate: tlsCert[$0].description,
        key: tlsKey.indices.contains($0) ? tlsKey[$0].description : tlsCert[$0].description)
    }
    var configuration = TLSServerConfiguration(certificates: files)
    configuration.minVersion = tlsMinVersion
    configuration.stapledAnswers = tlsOCSP.map(\.description)
    configuration.clientCA = tlsClientCA.map {
      TLSServerConfiguration.ClientCA(path: $0.description, isRequired: tlsClientAuth != .optional)
    }
    configuration.keyLog = keyLog
    configuration.offersHTTP2 = offersHTTP2
    return configuration
  }
}

extension TLSVersion: ExpressibleByArgument {}

/// `--tls-client-auth`.
enum ClientAuthArgument: String, CaseIterable, ExpressibleByArgument {
  case required, optional
}
