import Proxy

/// How the admin plane is reached.
public struct AdminConfiguration: Sendable {
  /// Where it listens.
  public var listeners: [ListenAddress]
  public var credentials: AdminCredentials

  public init(listeners: [ListenAddress], credentials: AdminCredentials = .none) {
    self.listeners = listeners
    self.credentials = credentials
  }

  /// Looks whether a start could use the addresses and the credentials, and binds nothing.
  ///
  /// - Throws: ``AdminStartError``
  public func check() throws(AdminStartError) {
    do throws(CredentialFileError) {
      _ = try credentials.read()
    } catch {
      throw .credentials(error)
    }
    for address in listeners {
      _ = try AdminListener.addresses(of: address, toOthers: credentials != .none)
    }
  }
}

/// How clients of the admin plane say who they are. Files are read at the start, and by
/// ``AdminServer/readCredentials()``.
public enum AdminCredentials: Sendable, Equatable {
  /// They are not asked; only this machine may reach it.
  case none
  /// By the token in this file.
  case tokenFile(String)
  /// By the names and passwords in this file, whose hashes are bcrypt.
  case userFile(String)
}

/// Why the admin plane could not start.
public enum AdminStartError: Error, CustomStringConvertible {
  case addressInUse(String)
  case cannotListen(address: String, reason: String)
  /// Others than this machine reach the address, and nobody would be asked who they are.
  case open(address: String)
  /// The file that says who may use it can't be used.
  case credentials(CredentialFileError)
  case system(String)

  public var description: String {
    switch self {
    case .addressInUse(let address):
      "\(address) is in use by another process: stop that one or choose another --admin address"
    case .cannotListen(let address, let reason): "can't listen on \(address): \(reason)"
    case .open(let address):
      "--admin \(address) is reached from other machines: say who may use it with --admin-token-file or --admin-user-file, or listen on 127.0.0.1 or unix:/path"
    case .credentials(let error): error.description
    case .system(let reason): "the admin plane can't start: \(reason)"
    }
  }
}
