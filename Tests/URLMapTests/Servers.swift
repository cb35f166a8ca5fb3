import Glibc
import Testing

/// A server started by a test, stopped by its process id.
final class ServerProcess {
  private let pid: pid_t

  /// Starts `command` with its output in `log`.
  init?(_ command: [String], log: String) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // The test's own signal mask and handlers are no business of the server's.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    guard posix_spawn(&pid, command[0], &actions, &attributes, &arguments, environ) == 0 else { return nil }
    self.pid = pid
  }

  deinit {
    kill(pid, SIGTERM)
    for _ in 0..<500 {
      if waitpid(pid, nil, WNOHANG) == pid { return }
      usleep(10_000)
    }
    kill(pid, SIGKILL)
    waitpid(pid, nil, 0)
  }
}

/// A keep-alive HTTP/1.1 connection to a port of the loopback address.
final class HTTPConnection {
  private var fd: Int32 = -1
  private let port: UInt16
  private var received: [UInt8] = []

  init(port: UInt16) { self.port = port }

  deinit { if fd >= 0 { close(fd) } }

  private static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  /// A port of the loopback address that nobody listens on.
  static func freePort() -> UInt16 {
    let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(fd) }
    var address = address(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(fd, $0, length)
        _ = getsockname(fd, $0, &length)
      }
    }
    return UInt16(bigEndian: address.sin_port)
  }

  private func connect() -> Bool {
    fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var timeout = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var address = HTTPConnection.address(port)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if result == 0 { return true }
    close(fd)
    fd = -1
    return false
  }

  /// Waits up to ten seconds until the server takes connections.
  func waitForServer() -> Bool {
    for _ in 0..<1000 {
      if connect() { return true }
      usleep(10_000)
    }
    return false
  }

  /// The statuses of the answers to a HEAD request for each target, sent `depth` at a time.
  func statuses(of targets: [[UInt8]], depth: Int = 16) -> [Int] {
    var statuses: [Int] = []
    var sent = 0
    var reconnects = 0
    while statuses.count < targets.count {
      if fd < 0 {
        reconnects += 1
        received = []
        sent = statuses.count
        guard reconnects < 1000, connect() else { return statuses }
      }
      if sent == statuses.count {
        var requests: [UInt8] = []
        for target in targets[sent..<min(targets.count, sent + depth)] {
          requests += Array("HEAD ".utf8) + target + Array(" HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
          sent += 1
        }
        send(fd, requests, requests.count, Int32(MSG_NOSIGNAL))
      }
      guard let status = nextStatus() else {
        close(fd)
        fd = -1
        continue
      }
      statuses.append(status)
    }
    return statuses
  }

  private func nextStatus() -> Int? {
    while true {
      if let end = endOfHead {
        let head = received[..<end]
        received.removeSubrange(..<end)
        return Int(String(decoding: head.dropFirst(9).prefix(3), as: UTF8.self))
      }
      var chunk = [UInt8](repeating: 0, count: 65_536)
      let got = recv(fd, &chunk, chunk.count, 0)
      guard got > 0 else { return nil }
      received += chunk[..<got]
    }
  }

  private var endOfHead: Int? {
    var index = 3
    while index < received.count {
      if received[index] == 10, received[index - 2] == 10 { return index + 1 }
      index += 1
    }
    return nil
  }
}
