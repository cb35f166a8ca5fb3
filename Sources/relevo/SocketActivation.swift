import EventLoop
import Glibc

/// The sockets that systemd has bound and handed to this process, or who does as it does (sd_listen_fds(3)).
struct SocketActivation {
  private static let firstDescriptor: Int32 = 3
  /// A service has a handful.
  private static let limit: Int32 = 1024
  /// `FileDescriptorName=` of sockets for the admin plane.
  private static let adminName = "admin"
  private static let variables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]

  /// Where clients connect.
  private(set) var clients: [SocketBox] = []
  /// Where operators and their tools connect.
  private(set) var admin: [SocketBox] = []

  /// Takes over the sockets that are for this process. Its children get neither them nor the variables, which go.
  ///
  /// - Parameters:
  ///   - variables: of the environment.
  ///   - first: the first descriptor.
  /// - Throws: ``CommandFailure`` when the variables make no sense, or a descriptor is no socket that listens.
  init(
    _ variables: [String: String], processID: Int32 = getpid(), first: Int32 = firstDescriptor
  ) throws(CommandFailure) {
    defer { for name in Self.variables { unsafe unsetenv(name) } }
    guard let owner = variables["LISTEN_PID"], let count = variables["LISTEN_FDS"] else { return }
    guard Int32(owner) == processID else { return }
    guard let count = Int32(count), (0...Self.limit).contains(count) else {
      throw Self.failure("LISTEN_FDS is '\(count)', not a number of sockets from 0 to \(Self.limit)")
    }
    let names = Self.names(variables, count: Int(count))
    guard names.count == Int(count) else {
      throw Self.failure("LISTEN_FDNAMES has \(names.count) names for \(count) sockets")
    }
    for (descriptor, name) in zip(first..<first + count, names) {
      do throws(NotAListener) {
        let box = SocketBox(try ListeningSocket(inheriting: descriptor, outlivesUs: true))
        if name == Self.adminName { admin.append(box) } else { clients.append(box) }
      } catch {
        let called = name.isEmpty ? "" : " (\(name))"
        throw Self.failure(
          "the inherited descriptor \(descriptor)\(called) \(error): hand over stream sockets that listen, with ListenStream= and Accept=no"
        )
      }
    }
  }

  /// Whether a socket for the admin plane comes with the environment.
  static func namesAdmin(_ variables: [String: String]) -> Bool {
    variables["LISTEN_FDNAMES"]?.split(separator: ":").contains(Substring(adminName)) == true
  }

  private static func names(_ variables: [String: String], count: Int) -> [String] {
    guard let names = variables["LISTEN_FDNAMES"] else { return Array(repeating: "", count: count) }
    return names.isEmpty && count == 0
      ? [] : names.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
  }

  private static func failure(_ sentence: String) -> CommandFailure {
    CommandFailure(sentence, code: .configuration)
  }
}
