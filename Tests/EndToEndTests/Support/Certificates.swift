import Foundation

/// A certificate authority of the tests, and certificates that it has signed, made by openssl.
final class Authority: Sendable {
  /// A certificate and its key in PEM files.
  struct Pair: Sendable {
    let certificate: String
    let key: String
  }

  enum KeyType: Sendable {
    case ecdsa, rsa

    fileprivate var arguments: [String] {
      switch self {
      case .ecdsa: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
      case .rsa: ["-newkey", "rsa:2048"]
      }
    }
  }

  /// The one that most tests need.
  static let shared = Result { try Authority() }

  let folder: TemporaryFolder
  private let root: Pair

  /// Its own certificate.
  var certificate: String { root.certificate }

  init() throws {
    folder = try TemporaryFolder()
    root = Pair(certificate: folder.path("ca.pem"), key: folder.path("ca.key"))
    try Self.openssl(
      [
        "req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=Test CA", "-keyout", root.key, "-out",
        root.certificate,
      ]
        + KeyType.ecdsa.arguments)
  }

  /// A certificate for these names, with the authority's behind it.
  ///
  /// - Parameter days: how long it is valid; less than none for one that has expired.
  func sign(
    _ names: [String], subject: String? = nil, type: KeyType = .ecdsa, days: Int = 20
  ) throws -> Pair {
    let stem = folder.path(UUID().uuidString)
    let pair = Pair(certificate: "\(stem).pem", key: "\(stem).key")
    try Self.openssl(
      ["req", "-nodes", "-subj", subject ?? "/CN=\(names[0])", "-keyout", pair.key, "-out", "\(stem).csr"]
        + type.arguments)
    let list = names.map { $0.allSatisfy { $0.isNumber || $0 == "." } ? "IP:\($0)" : "DNS:\($0)" }
    try Data("subjectAltName=\(list.joined(separator: ","))\n".utf8).write(
      to: URL(fileURLWithPath: "\(stem).ext"))
    if days >= 0 {
      try Self.openssl(
        [
          "x509", "-req", "-in", "\(stem).csr", "-CA", root.certificate, "-CAkey", root.key,
          "-set_serial", "\(UInt64.random(in: 1...(1 << 62)))",
          "-extfile", "\(stem).ext", "-days", "\(days)", "-out", pair.certificate,
        ])
    } else {
      try signExpired(stem, pair)
    }
    let chain =
      try String(contentsOfFile: pair.certificate, encoding: .utf8)
      + String(contentsOfFile: root.certificate, encoding: .utf8)
    try Data(chain.utf8).write(to: URL(fileURLWithPath: pair.certificate))
    return pair
  }

  private func signExpired(_ stem: String, _ pair: Pair) throws {
    let configuration = """
      [ca]
      default_ca = it
      [it]
      database = \(stem).index
      new_certs_dir = \(folder.path)
      rand_serial = yes
      default_md = sha256
      policy = any
      [any]
      commonName = supplied
      """
    try Data(configuration.utf8).write(to: URL(fileURLWithPath: "\(stem).conf"))
    try Data().write(to: URL(fileURLWithPath: "\(stem).index"))
    try Self.openssl([
      "ca", "-batch", "-config", "\(stem).conf", "-in", "\(stem).csr", "-cert", root.certificate, "-keyfile",
      root.key,
      "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-extfile", "\(stem).ext", "-notext",
      "-out",
      pair.certificate,
    ])
  }

  /// The OCSP answer that a certificate is good, in a file.
  func ocspAnswer(about pair: Pair, days: Int = 3) throws -> String {
    let stem = folder.path(UUID().uuidString)
    let serial = try Self.openssl(["x509", "-in", pair.certificate, "-noout", "-serial"]).dropFirst(
      "serial=".count)
    try Data("V\t330101000000Z\t\t\(serial)\tunknown\t/CN=x\n".utf8).write(
      to: URL(fileURLWithPath: "\(stem).index"))
    try Self.openssl([
      "ocsp", "-index", "\(stem).index", "-rsigner", root.certificate, "-rkey", root.key, "-CA",
      root.certificate,
      "-issuer", root.certificate, "-cert", pair.certificate, "-respout", "\(stem).der", "-ndays", "\(days)",
      "-noverify",
    ])
    return "\(stem).der"
  }

  @discardableResult
  static func openssl(_ arguments: [String]) throws -> String {
    let output = try Tools.run("/usr/bin/openssl", arguments)
    guard output.exit == .code(0) else {
      throw HarnessError.malformed("openssl \(arguments): \(output.errors)")
    }
    return output.text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
