/// The one secret of `--admin-token-file`.
struct BearerToken: Sendable {
  /// Fewer can be guessed.
  static let shortest = 16
  private static let longest = 4096

  private let secret: [UInt8]

  /// - Throws: ``CredentialFileError`` when the file can't be used.
  init(path: String) throws(CredentialFileError) {
    let flag = "--admin-token-file"
    let contents = try CredentialFile.contents(of: path, flag: flag, .secret)
    let blanks = Array(" \t\r\n".utf8)
    secret = Array(contents.drop(while: blanks.contains).reversed().drop(while: blanks.contains).reversed())
    let remedy = "put one line in it, as openssl rand -hex 32 makes it"
    guard !secret.isEmpty else { throw CredentialFileError("\(flag) \(path) is empty: \(remedy)") }
    guard (Self.shortest...Self.longest).contains(secret.count), secret.allSatisfy({ 0x21...0x7E ~= $0 })
    else {
      throw CredentialFileError(
        "\(flag) \(path) has no token of \(Self.shortest) to \(Self.longest) visible characters: \(remedy)")
    }
  }

  func matches(_ given: [UInt8]) -> Bool { ConstantTime.equal(given, secret) }
}
