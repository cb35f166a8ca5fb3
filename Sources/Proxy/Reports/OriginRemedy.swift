import Glibc

/// What to do about a server that can't be asked, in the same words wherever that is told: part of a sentence.
public enum OriginRemedy {
  /// TLS can't be opened with it.
  public static let tls =
    "see that it speaks TLS 1.2 or 1.3 there; of its certificate, give the name (sni=) and the root (--origin-ca)"

  /// It takes no connection.
  ///
  /// - Parameter code: the system's, of `connect`.
  static func connection(_ code: Int32) -> String {
    code == ECONNREFUSED
      ? "see that it runs and listens there" : "see that the machine and the way to it are up"
  }
}
