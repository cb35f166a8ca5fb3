/// A real nginx that speaks TLS in front of another origin, and passes bytes on.
final class TLSOrigin: Origin {
  var port: UInt16 { server.port }
  private let server: Daemon
  private let behind: any Origin
  private let options: String

  /// How it is named, with the options of its flag.
  var url: String { "https://127.0.0.1:\(port)\(options)" }

  /// - Parameters:
  ///   - options: of the flag, as in `,sni=one.test`.
  ///   - directives: further ones of its server.
  init(
    _ behind: any Origin, _ pair: Authority.Pair? = nil, options: String = "", directives: [String] = []
  ) throws {
    let pair = try pair ?? Authority.shared.get().sign(["127.0.0.1", "origin.test"])
    self.behind = behind
    self.options = options
    server = try .nginxStream(
      ssl: true,
      server: [
        "ssl_certificate \(pair.certificate);", "ssl_certificate_key \(pair.key);",
        "ssl_protocols TLSv1.2 TLSv1.3;", "proxy_pass \(behind.authority);",
      ] + directives)
  }
}
