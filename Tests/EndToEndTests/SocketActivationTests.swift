import Foundation
import Testing

/// Sockets that systemd has bound, in descriptors 3, 4 … and as systemd says it.
@Suite("Socket activation")
struct SocketActivationTests {
  /// A socket that listens on a loopback port.
  private final class Listening {
    let descriptor: Int32
    let port: UInt16

    init() throws {
      descriptor = try Ports.bound()
      listen(descriptor, 100)
      port = Ports.port(of: descriptor)
    }

    deinit { close(descriptor) }

    var address: String { "127.0.0.1:\(port)" }
  }

  private func relevo(
    _ sockets: [Int32], names: String? = nil, _ flags: String...
  ) throws -> Relevo {
    try Relevo(
      new: [ScriptedOrigin.always(200, "new")], old: [RefusedPort()], flags: flags,
      environment: names.map { ["LISTEN_FDNAMES": $0] } ?? [:], sockets: sockets)
  }

  @Test("an inherited socket stands in for --listen, and every worker accepts on it")
  func standsIn() throws {
    let socket = try Listening()
    let relevo = try relevo([socket.descriptor], "--workers", "3")
    #expect(relevo.listeners == [socket.address])
    for _ in 1...30 { #expect(try Client(socket.port).get("/").text == "new") }
    #expect(try relevo.terminate() == .code(0))
  }

  @Test("who connects while no Relevo is there is answered by the next one")
  func backlog() throws {
    let socket = try Listening()
    let before = try Client(socket.port)
    let first = try relevo([socket.descriptor])
    #expect(try before.get("/").text == "new")
    before.close()
    #expect(try first.terminate() == .code(0))
    let client = try Client(socket.port)
    try client.request("/")
    let second = try relevo([socket.descriptor])
    #expect(try client.answer().text == "new")
    #expect(try second.terminate() == .code(0))
  }

  @Test(
    "with --listen an inherited socket is used where its address is named, and one that nobody names is told")
  func beside() throws {
    let (named, other) = (try Listening(), try Listening())
    let relevo = try relevo(
      [named.descriptor, other.descriptor], "--listen", "127.0.0.1:0", "--listen", named.address)
    #expect(relevo.listeners.count == 2)
    for port in [relevo.port, named.port] { #expect(try Client(port).get("/").text == "new") }
    _ = try relevo.process.errors.wait("the warning") {
      $0.contains("the inherited socket of \(other.address) is not used: no --listen names that address")
    }
    #expect(try relevo.terminate() == .code(0))
  }

  @Test("a socket that is named admin is the admin plane's")
  func admin() throws {
    let (clients, admin) = (try Listening(), try Listening())
    let relevo = try relevo([admin.descriptor, clients.descriptor], names: "admin:web")
    #expect(try Client(clients.port).get("/").text == "new")
    #expect(try AdminPlane.ask("http://\(admin.address)/readyz", []) == ("ready\n", "200"))
    #expect(try relevo.terminate() == .code(0))
  }

  @Test("the file of an inherited unix socket stays, and is served")
  func unixSocket() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("s")
    let descriptor = try #require(Inheritance.without { socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) })
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(2 + path.utf8.count + 1))
      }
    }
    try #require(bound == 0 && listen(descriptor, 10) == 0)
    let relevo = try relevo([descriptor], "--workers", "2")
    #expect(relevo.listeners == ["unix:\(path)"])
    let answer = try AdminPlane.ask("http://site/", ["--unix-socket", path])
    #expect(answer == ("new", "200"))
    #expect(try relevo.terminate() == .code(0))
    #expect(FileManager.default.fileExists(atPath: path))
  }

  /// What a start with this descriptor as the only one says, and how it ends.
  private func failure(_ descriptor: Int32?, _ environment: [String: String] = [:]) throws -> (String, Exit) {
    let process = try ChildProcess(
      "/bin/sh", ["-c", "export LISTEN_PID=$$; exec \"$0\" \"$@\"", Relevo.binary] + CommandLineTests.serve,
      environment: ["LISTEN_FDS": "1"].merging(environment) { $1 },
      descriptors: descriptor.map { [$0] } ?? [])
    let exit = try process.wait()
    return (try process.errors.untilEnd().joined(separator: "\n"), exit)
  }

  @Test("what is no stream socket that listens is one line that says so, and 78")
  func noListener() throws {
    let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
    let datagram = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    let silent = try Ports.bound()
    defer { for descriptor in [file, datagram, silent] { close(descriptor) } }
    for (descriptor, reason) in [
      (file, "is no socket"), (datagram, "is no stream socket"), (silent, "does not listen"),
      (nil, "is not open"),
    ] {
      let (text, exit) = try failure(descriptor, ["LISTEN_FDNAMES": "web"])
      #expect(
        text
          == "relevo: the inherited descriptor 3 (web) \(reason): hand over stream sockets that listen, with ListenStream= and Accept=no"
      )
      #expect(exit == .code(78))
    }
  }

  @Test("variables that make no sense are one line, and 78")
  func nonsense() throws {
    let socket = try Listening()
    let (count, exit) = try failure(socket.descriptor, ["LISTEN_FDS": "many"])
    #expect(count == "relevo: LISTEN_FDS is 'many', not a number of sockets from 0 to 1024")
    #expect(exit == .code(78))
    let (names, _) = try failure(socket.descriptor, ["LISTEN_FDNAMES": "a:b"])
    #expect(names == "relevo: LISTEN_FDNAMES has 2 names for 1 sockets")
  }

  @Test("sockets for another process are left alone")
  func otherProcess() throws {
    let process = try ChildProcess(
      Relevo.binary, CommandLineTests.serve, environment: ["LISTEN_PID": "1", "LISTEN_FDS": "1"])
    _ = try process.listeningPort()
    process.signal(SIGTERM)
    #expect(try process.wait() == .code(0))
  }

  @Test("systemd's own tool hands its sockets over, on IPv4 and IPv6, with the names of clients as they are")
  func systemd() throws {
    let new = try ScriptedOrigin.always(200, "new")
    let (port, admin) = (try Ports.free(), try Ports.free())
    let process = try ChildProcess(
      "/usr/bin/systemd-socket-activate",
      [
        "--listen=\(port)", "--listen=127.0.0.1:\(admin)", "--fdname=clients:admin", Relevo.binary, "serve",
        "--new", new.url, "--old", try RefusedPort().url, "--workers", "2", "--no-startup-probes",
      ])
    defer { process.signal(SIGTERM) }
    // The tool starts the program when the first client comes.
    try #require(eventually { (try? Socket.connected(to: port)) != nil })
    let answer = try Client(port).get("/a")
    #expect(answer.text == "new")
    #expect(try AdminPlane.ask("http://127.0.0.1:\(admin)/healthz", []) == ("ok\n", "200"))
    #expect(new.requests.last?.head["X-Forwarded-For"] == "127.0.0.1")
    process.signal(SIGTERM)
    #expect(try process.wait() == .code(0))
  }
}
