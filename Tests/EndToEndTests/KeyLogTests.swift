import Foundation
import Testing

/// Captured traffic of both legs, opened by tshark with the key log.
@Suite("The key log (--tls-keylog)")
struct KeyLogTests {
  @Test(
    "with the key log tshark shows the HTTP of both legs, without it nothing",
    arguments: [["--tlsv1.3"], ["--tls-max", "1.2"]])
  func capture(version: [String]) throws {
    let folder = try TemporaryFolder()
    let authority = try Authority.shared.get()
    let pair = try authority.sign(["localhost"])
    let new = try ScriptedOrigin.always(200, "the page's own words")
    let protocols = version == ["--tlsv1.3"] ? "TLSv1.3" : "TLSv1.2"
    let origin = try TLSOrigin(new, directives: ["ssl_protocols \(protocols);"])
    let keys = folder.path("keys.log")
    try withRelevo(
      new: [origin], old: [RefusedPort()],
      flags: [
        "--tls-listen", "127.0.0.1:0", "--tls-cert", pair.certificate, "--tls-key", pair.key, "--origin-ca",
        authority.certificate, "--tls-keylog", keys,
      ]
    ) { relevo in
      #expect(
        relevo.process.errors.text.contains(
          "warning the secrets of all TLS connections are written to \(keys)"))
      let capture = try ChildProcess(
        "/usr/bin/tcpdump",
        [
          "-i", "lo", "-U", "-w", folder.path("capture.pcap"),
          "tcp port \(relevo.tlsPort) or tcp port \(origin.port)",
        ])
      _ = try capture.errors.wait("tcpdump's start") { $0.contains("listening on lo") }
      let page = try Tools.curl(
        tls: relevo.tlsPort, "/secret-path", "--http1.1", version[0], version.last ?? "")
      #expect(page.text == "the page's own words")
      #expect(eventually { (try? plainText(folder, keys, relevo.tlsPort, origin.port).count) == 4 })
      capture.signal(SIGINT)
      _ = try capture.wait()
      #expect(
        try plainText(folder, keys, relevo.tlsPort, origin.port).sorted()
          == [
            "\(origin.port) GET /secret-path", "\(origin.port) answer 200",
            "\(relevo.tlsPort) GET /secret-path",
            "\(relevo.tlsPort) answer 200",
          ].sorted())
      #expect(try plainText(folder, nil, relevo.tlsPort, origin.port) == [])
    }
    #expect(try FileManager.default.attributesOfItem(atPath: keys)[.posixPermissions] as? Int == 0o600)
  }

  /// The HTTP messages that tshark sees, each with the port of its server.
  private func plainText(_ folder: TemporaryFolder, _ keys: String?, _ ports: UInt16...) throws -> [String] {
    var arguments = ["-r", folder.path("capture.pcap")]
    for port in ports { arguments += ["-d", "tcp.port==\(port),tls", "-d", "tls.port==\(port),http"] }
    if let keys { arguments += ["-o", "tls.keylog_file:\(keys)"] }
    arguments += [
      "-Y", "http", "-T", "fields", "-E", "separator=;", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e",
      "http.request.method", "-e", "http.request.uri", "-e", "http.response.code",
    ]
    let shown = try Tools.run("/usr/bin/tshark", arguments)
    return shown.text.split(separator: "\n").map { line in
      let parts = line.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
      return parts[4].isEmpty ? "\(parts[1]) \(parts[2]) \(parts[3])" : "\(parts[0]) answer \(parts[4])"
    }
  }

  @Test("a file that others may read, a link or a device is refused")
  func refused() throws {
    let folder = try TemporaryFolder()
    let keys = folder.path("keys.log")
    func start(_ path: String) throws -> Tools.Output {
      try Tools.run(
        Relevo.binary,
        ["serve", "--new", "http://127.0.0.1:1", "--old", "http://127.0.0.1:2", "--tls-keylog", path])
    }
    try folder.write("keys.log", "")
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: keys)
    let open = try start(keys)
    #expect(open.exit == .code(78))
    #expect(
      open.errors
        == "relevo: --tls-keylog: others may read \(keys), and whoever reads it can read all captured traffic: chmod 600 \(keys)"
    )
    try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: keys)
    #expect(try start(folder.path("link")).exit == .code(78))
    #expect(
      try start("/dev/null").errors
        == "relevo: --tls-keylog: /dev/null is no file: secrets are written to files alone")
    #expect(
      try start(folder.path("none/keys.log")).errors
        == "relevo: --tls-keylog: can't write \(folder.path("none/keys.log")): No such file or directory")
  }
}
