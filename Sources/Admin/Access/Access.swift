/// Who may use the admin plane.
enum Access: Sendable {
  /// Everybody who reaches it: it listens where only this machine does.
  case open
  case token(BearerToken)
  case users(UserList)

  /// What is known of a client from its request alone.
  enum Admission: Equatable {
    case granted
    /// If the password is right, which takes time to find out.
    case perhaps(Credentials)
  }

  /// - Throws: ``Refusal`` when this client may not.
  func admit(_ request: AdminRequest) throws(Refusal) -> Admission {
    switch self {
    case .open:
      try Self.checkHost(request.host)
      return .granted
    case .token(let token):
      guard let given = request.authorization("Bearer"), token.matches(Array(given.utf8)) else {
        throw denial
      }
      return .granted
    case .users:
      guard let credentials = request.authorization("Basic").flatMap(Credentials.init(basic:)) else {
        throw denial
      }
      return .perhaps(credentials)
    }
  }

  /// Tells how one says who one is.
  var denial: Refusal {
    let (sentence, challenge) =
      switch self {
      case .open: ("this is not for you", "")
      case .token:
        ("give the token of --admin-token-file as Authorization: Bearer TOKEN", "Bearer realm=\"Relevo\"")
      case .users:
        ("give a name and a password of --admin-user-file", "Basic realm=\"Relevo\", charset=\"UTF-8\"")
      }
    return Refusal(
      status: 401, sentence: sentence, fields: [Refusal.Field(name: "WWW-Authenticate", value: challenge)])
  }

  /// A page of another site may have its own name resolve to this machine, and then read what a browser on it gets. Such a
  /// request names that site.
  private static func checkHost(_ host: Substring?) throws(Refusal) {
    guard let host else { return }
    guard HostName.isOfThisMachine(host) else {
      throw .forbidden(
        "the host is neither localhost nor an address: ask for it by http://localhost or http://127.0.0.1, or have "
          + "Relevo ask who its clients are with --admin-token-file")
    }
  }
}

extension AdminRequest {
  /// What follows the scheme in `Authorization`; nil when there is no such field, or one of another scheme.
  fileprivate func authorization(_ scheme: String) -> Substring? {
    guard let value = field("Authorization") else { return nil }
    let given = value.prefix { $0 != " " }
    guard given.lowercased() == scheme.lowercased(), given.endIndex < value.endIndex else { return nil }
    return value[given.endIndex...].drop { $0 == " " }
  }
}

extension AdminCredentials {
  /// - Throws: ``CredentialFileError`` when the file can't be used.
  func read() throws(CredentialFileError) -> Access {
    switch self {
    case .none: .open
    case .tokenFile(let path): .token(try BearerToken(path: path))
    case .userFile(let path): .users(try UserList(path: path))
    }
  }
}
