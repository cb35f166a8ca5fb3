import Admin
import ArgumentParser
import Proxy

struct AdminFlags: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: .flag(
      "Serve the admin plane here: dashboard, metrics, health, API; may be given several times. Without one of the files below only addresses of this machine alone and unix sockets are taken. host:port, [v6]:port or unix:/path.",
      value: "address", default: "off"),
    transform: ListenAddress.init(flag:))
  var admin: [ListenAddress] = []

  @Option(
    help: .flag(
      "Ask clients of the admin plane for the token in this file, as Authorization: Bearer TOKEN; SIGHUP reads it again.",
      value: "path",
      default: "none"),
    transform: PathArgument.init(parsing:))
  var adminTokenFile: PathArgument?

  @Option(
    help: .flag(
      "Ask clients of the admin plane for a name and a password of this file (basic authentication); htpasswd -B makes it, SIGHUP reads it again.",
      value: "path", default: "none"),
    transform: PathArgument.init(parsing:))
  var adminUserFile: PathArgument?

  /// What the flags say together of an admin plane that listens at `places`.
  func configuration(on places: [ListenAddress]) throws(CommandFailure) -> AdminConfiguration {
    AdminConfiguration(listeners: places, credentials: try credentials)
  }

  private var credentials: AdminCredentials {
    get throws(CommandFailure) {
      switch (adminTokenFile, adminUserFile) {
      case (nil, nil): return .none
      case (let token?, nil): return .tokenFile(token.description)
      case (nil, let users?): return .userFile(users.description)
      case (.some, .some):
        throw CommandFailure(
          "--admin-token-file and --admin-user-file are two ways to say the same: give one of them",
          code: .usage)
      }
    }
  }

  /// The checks that no flag can make alone.
  ///
  /// - Parameter inheritsSocket: the admin plane is there without its flag.
  func checkTogether(inheritsSocket: Bool) throws(CommandFailure) {
    if try credentials != .none, admin.isEmpty, !inheritsSocket {
      throw CommandFailure(
        "--admin-token-file and --admin-user-file say who may use the admin plane: turn it on with --admin 127.0.0.1:9000",
        code: .usage)
    }
  }
}

extension CommandFailure {
  init(_ error: AdminStartError) {
    switch error {
    case .addressInUse, .cannotListen, .system: self.init(error.description, code: .unavailable)
    case .open: self.init(error.description, code: .usage)
    case .credentials: self.init(error.description, code: .configuration)
    }
  }
}
