import Foundation
import Testing

/// What systemd hears with `Type=notify`, on a socket as it makes one.
@Suite("The service manager")
struct ServiceManagerTests {
  /// A bound datagram socket in the place of systemd's.
  private final class NotifySocket {
    let path = "/tmp/relevo-notify-\(getpid())-\(UInt32.random(in: 0...(.max)))"
    private let descriptor: Int32

    init() throws {
      descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      let bound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      try #require(bound == 0)
    }

    deinit {
      close(descriptor)
      unlink(path)
    }

    /// The next message within ten seconds; nil when none comes.
    func next(withinMs: Int32 = 10_000) -> String? {
      var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&watched, 1, withinMs) == 1 else { return nil }
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = recv(descriptor, &bytes, bytes.count, 0)
      return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
  }

  @Test("hears when Relevo serves, and when it stops")
  func readyAndStopping() throws {
    let manager = try NotifySocket()
    let relevo = try Relevo(
      new: [ScriptedOrigin.always(200, "new")], old: [ScriptedOrigin.always(404)],
      environment: ["NOTIFY_SOCKET": manager.path])
    #expect(manager.next()?.hasPrefix("READY=1\n") == true)
    #expect(try Client(relevo.port).get("/").text == "new")
    #expect(try relevo.terminate() == .code(0))
    #expect(manager.next()?.hasPrefix("STOPPING=1\n") == true)
  }

  @Test("hears often enough for its watchdog that Relevo is alive, and nothing when it stands still")
  func watchdog() throws {
    let manager = try NotifySocket()
    let relevo = try Relevo(
      new: [ScriptedOrigin.always(200)], old: [ScriptedOrigin.always(404)],
      environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "2000000"])
    #expect(manager.next()?.hasPrefix("READY=1\n") == true)
    for _ in 0..<2 { #expect(manager.next() == "WATCHDOG=1\n") }
    relevo.process.signal(SIGSTOP)
    while manager.next(withinMs: 1_500) != nil {}
    relevo.process.signal(SIGCONT)
    #expect(manager.next() == "WATCHDOG=1\n")
    try relevo.kill()
  }

  @Test(
    "hears which process serves after a takeover, and from that one for its watchdog as well, nothing of the first's end"
  )
  func takeover() throws {
    let manager = try NotifySocket()
    let (new, old) = (try ScriptedOrigin.always(200, "new"), try ScriptedOrigin.always(404))
    let first = try Relevo(
      new: [new], old: [old],
      environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "2000000"])
    #expect(manager.next()?.hasPrefix("READY=1\n") == true)
    // As systemd starts what ExecReload= names: it tells that nothing of a watchdog.
    let second = try Relevo(
      new: [new], old: [old], flags: ["--takeover", "--listen", "127.0.0.1:\(first.port)"],
      environment: ["NOTIFY_SOCKET": manager.path])
    var messages: [String] = []
    while let message = manager.next(), messages.count < 20 {
      messages.append(message)
      if messages.suffix(2) == ["WATCHDOG=1\n", "WATCHDOG=1\n"], messages.count > 3 { break }
    }
    #expect(messages.contains { $0.hasPrefix("MAINPID=\(second.process.pid)\nREADY=1\n") })
    #expect(!messages.contains { $0.contains("STOPPING") })
    #expect(try first.process.wait() == .code(0))
    #expect(manager.next() == "WATCHDOG=1\n")
    #expect(try second.terminate() == .code(0))
  }

  @Test("finds the packaged units right, and the service well closed off")
  func units() throws {
    let packaging = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../packaging")
    let folder = try TemporaryFolder()
    let names = ["relevo.service", "relevo.socket"]
    for name in names {
      let unit = try String(contentsOf: packaging.appending(path: name), encoding: .utf8)
      try folder.write(name, unit.replacing("/usr/local/bin/relevo", with: Relevo.binary))
    }
    let verified = try Tools.run(
      "/usr/bin/systemd-analyze", ["--man=no", "verify"] + names.map(folder.path))
    #expect(verified.exit == .code(0) && verified.errors == "", "\(verified)")
    // In tenths: 2 of 10, where a service without any restriction has 9.6.
    let security = try Tools.run(
      "/usr/bin/systemd-analyze",
      ["security", "--offline=true", "--threshold=20", folder.path("relevo.service")])
    #expect(security.exit == .code(0), "\(security)")
  }

  @Test("has the level of each line where its journal reads them, and of what keeps Relevo from starting")
  func journal() throws {
    let shell = "export JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2)"
    try withRelevo(
      new: [ScriptedOrigin.always(200)], old: [RefusedPort()], "--max-connections", "1000000", shell: shell
    ) { relevo in
      let lines = relevo.process.errors.all
      #expect(lines.contains { $0.hasPrefix("<6>info listening on ") })
      #expect(lines.contains { $0.hasPrefix("<4>warning --max-connections 1000000 may need ") })
    }
    let refused = try Tools.run("/bin/sh", ["-c", "\(shell); exec \(Relevo.binary) serve --workers 0"])
    #expect(refused.errors.hasPrefix("<3>relevo: the value '0' is invalid"), "\(refused)")
  }

  @Test("that cannot be reached, or watches another process, changes nothing")
  func unreachable() throws {
    let manager = try NotifySocket()
    for environment in [
      ["NOTIFY_SOCKET": "/nonexistent/notify", "WATCHDOG_USEC": "1000000"],
      ["NOTIFY_SOCKET": "nonsense", "WATCHDOG_USEC": "-5"],
      ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"],
    ] {
      let relevo = try Relevo(
        new: [ScriptedOrigin.always(200, "new")], old: [ScriptedOrigin.always(404)], environment: environment)
      #expect(try Client(relevo.port).get("/").text == "new")
      #expect(try relevo.terminate() == .code(0))
    }
    #expect(manager.next()?.hasPrefix("READY=1\n") == true)
    #expect(manager.next()?.hasPrefix("STOPPING=1\n") == true)
  }
}
