import Admin
import ArgumentParser
import Proxy

struct AdminFlags: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: .flag(
      "Serve the admin plane here: health; may be given several times. host:port, [v6]:port or unix:/path.",
      value: "address", default: "off"),
    transform: ListenAddress.init(flag:))
  var admin: [ListenAddress] = []

  /// Nil: there is no admin plane.
  var configuration: AdminConfiguration? {
    admin.isEmpty ? nil : AdminConfiguration(listeners: admin)
  }
}

extension CommandFailure {
  init(_ error: AdminStartError) {
    switch error {
    case .addressInUse, .cannotListen, .system: self.init(error.description, code: .unavailable)
    case .open: self.init(error.description, code: .usage)
    }
  }
}
