import Foundation

extension Client {
  /// A client of a TLS port: what it sends passes through openssl s_client as it is, and so does what comes back.
  ///
  /// - Parameter identity: the certificate that it shows.
  convenience init(tls port: UInt16, name: String = "localhost", identity: Authority.Pair? = nil) throws {
    var ends: [Int32] = [0, 0]
    guard socketpair(AF_UNIX, Ports.stream, 0, &ends) == 0 else { throw HarnessError.last("socketpair") }
    defer { Glibc.close(ends[1]) }
    let process = try ChildProcess(
      "/usr/bin/openssl",
      [
        "s_client", "-connect", "127.0.0.1:\(port)", "-servername", name, "-CAfile",
        try Authority.shared.get().certificate, "-quiet", "-verify_return_error",
      ] + (identity.map { ["-cert", $0.certificate, "-key", $0.key] } ?? []), standardInputAndOutput: ends[1])
    self.init(Socket(ends[0]), through: process)
  }
}

extension Tools {
  /// curl to a TLS listener of the tests' authority, by the name `localhost` or another one.
  static func curl(tls port: UInt16, _ path: String, name: String = "localhost", _ arguments: String...)
    throws -> Output
  {
    try run(
      "/usr/bin/curl",
      [
        "-sS", "--max-time", "15", "--cacert", try Authority.shared.get().certificate, "--connect-to",
        "\(name):443:127.0.0.1:\(port)",
      ] + arguments + ["https://\(name)\(path)"])
  }

  /// What openssl s_client prints of a connection.
  static func handshake(_ port: UInt16, _ arguments: String...) throws -> Output {
    try run(
      "/usr/bin/openssl",
      ["s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", try Authority.shared.get().certificate]
        + arguments)
  }
}
