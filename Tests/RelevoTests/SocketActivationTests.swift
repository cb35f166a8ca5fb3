import Glibc
import Testing

@testable import relevo

@Suite("sockets that systemd hands over", .serialized)
struct SocketActivationTests {
  /// A pair of listening sockets with descriptors one after the other, closed by whoever takes them over.
  private func twoListeners(from first: Int32) throws {
    for number in [first, first + 1] {
      let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      try #require(listen(made, 1) == 0)
      try #require(dup2(made, number) == number)
      close(made)
    }
  }

  @Test("are taken over for this process alone: no child inherits them, and the variables go")
  func takenOver() throws {
    let first: Int32 = 700
    try twoListeners(from: first)
    let variables = ["LISTEN_PID": "\(getpid())", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "x:admin"]
    for (name, value) in variables { setenv(name, value, 1) }
    let activation = try SocketActivation(variables, first: first)
    #expect(activation.clients.count == 1 && activation.admin.count == 1)
    for number in [first, first + 1] {
      #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
      #expect(fcntl(number, F_GETFL) & O_NONBLOCK != 0)
    }
    for name in variables.keys { #expect(getenv(name) == nil) }
  }

  @Test(
    "of another process, or none at all, are none", arguments: [[:], ["LISTEN_PID": "1", "LISTEN_FDS": "x"]])
  func none(variables: [String: String]) throws {
    let activation = try SocketActivation(variables)
    #expect(activation.clients.isEmpty && activation.admin.isEmpty)
  }

  @Test("let --admin-token-file do without --admin")
  func tokenFile() throws {
    let flags = ["serve", "--new", "http://a", "--old", "http://b", "--admin-token-file", "/etc/token"]
    _ = try invoke(flags, environment: ["LISTEN_FDNAMES": "clients:admin"])
    #expect(throws: CommandFailure.self) { try invoke(flags) }
  }
}
