import Foundation

/// The lines that a program has written so far.
final class Lines: @unchecked Sendable {
  private let condition = NSCondition()
  private var lines: [String] = []
  private var ended = false

  /// Reads `descriptor` to its end on a thread of its own, and closes it.
  init(reading descriptor: Int32) {
    onThread { [self] in
      var rest: Bytes = []
      var buffer = Bytes(repeating: 0, count: 64 << 10)
      while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
        rest += buffer[..<count]
        while let end = rest.firstIndex(of: 10) {
          append(Bytes(rest[..<end]).text)
          rest.removeSubrange(...end)
        }
      }
      if !rest.isEmpty { append(rest.text) }
      close(descriptor)
      condition.withLock {
        ended = true
        condition.broadcast()
      }
    }
  }

  private func append(_ line: String) {
    condition.withLock {
      lines.append(line)
      condition.broadcast()
    }
  }

  var all: [String] { condition.withLock { lines } }
  var text: String { all.joined(separator: "\n") }

  /// Waits for `count` lines that satisfy the condition and returns them.
  func wait(
    _ what: String, count: Int = 1, _ deadline: Deadline = .after(), where matches: (String) -> Bool
  ) throws -> [String] {
    try condition.withLock {
      while true {
        let found = lines.filter(matches)
        if found.count >= count { return found }
        guard !ended, condition.wait(until: deadline.date) else {
          throw HarnessError.deadline("\(what), among:\n\(lines.joined(separator: "\n"))")
        }
      }
    }
  }

  /// Everything, once the program has closed its end.
  func untilEnd(_ deadline: Deadline = .after()) throws -> [String] {
    try condition.withLock {
      while !ended {
        guard condition.wait(until: deadline.date) else { throw HarnessError.deadline("the end of output") }
      }
      return lines
    }
  }
}

/// How a process ended.
enum Exit: Equatable, Sendable {
  case code(Int32)
  case signal(Int32)
}

/// A program started by a test, killed at the latest when the last reference to it goes.
final class ChildProcess: Sendable {
  let pid: pid_t
  let output: Lines
  let errors: Lines
  private let reaper: Reaper

  /// Starts `path`. The environment is the test's without `RELEVO_…`, and with `environment`; `descriptors` are 3, 4 … in it.
  ///
  /// - Parameter standardInputAndOutput: what the program has as both; `output` is empty then.
  init(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], descriptors: [Int32] = [],
    standardInputAndOutput: Int32? = nil
  ) throws {
    let outputPipe = try ChildProcess.pipe()
    let errorPipe = try ChildProcess.pipe()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let standardInputAndOutput {
      posix_spawn_file_actions_adddup2(&actions, standardInputAndOutput, 0)
      posix_spawn_file_actions_adddup2(&actions, standardInputAndOutput, 1)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
      posix_spawn_file_actions_adddup2(&actions, outputPipe.write, 1)
    }
    posix_spawn_file_actions_adddup2(&actions, errorPipe.write, 2)
    // Copied out of the way of the numbers that they are to have.
    let copies = descriptors.map { fcntl($0, F_DUPFD_CLOEXEC, 100) }
    defer { for copy in copies { close(copy) } }
    for (number, copy) in zip(Int32(3)..., copies) {
      posix_spawn_file_actions_adddup2(&actions, copy, number)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var every = sigset_t()
    sigemptyset(&none)
    sigfillset(&every)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &every)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("RELEVO_") }
    variables.merge(environment) { $1 }
    var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in argv + envp { free(text) } }
    var child: pid_t = 0
    let result = Inheritance.lock.withLock {
      posix_spawn(&child, path, &actions, &attributes, &argv, &envp)
    }
    close(outputPipe.write)
    close(errorPipe.write)
    pid = child
    output = Lines(reading: outputPipe.read)
    errors = Lines(reading: errorPipe.read)
    reaper = Reaper(result == 0 ? child : nil)
    guard result == 0 else { throw HarnessError.system("start \(path)", result) }
  }

  deinit { reaper.kill(SIGKILL) }

  private static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    let made = Inheritance.lock.withLock {
      guard Glibc.pipe(&ends) == 0 else { return false }
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      return true
    }
    guard made else { throw HarnessError.last("pipe") }
    return (ends[0], ends[1])
  }

  var isRunning: Bool { reaper.exit == nil }

  func signal(_ number: Int32) { reaper.kill(number) }

  /// Waits for the end of the process.
  func wait(_ deadline: Deadline = .after(10)) throws -> Exit {
    guard let exit = reaper.wait(deadline) else { throw HarnessError.deadline("the end of process \(pid)") }
    return exit
  }

  /// What /proc tells in kilobytes under this name of the process's status, such as `VmHWM`.
  func memoryKB(_ name: String) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    guard let value = status.between("\(name):", "kB"),
      let count = Int(value.trimmingCharacters(in: .whitespaces))
    else { throw HarnessError.malformed("no \(name) in /proc/\(pid)/status") }
    return count
  }

  /// The largest resident set so far, in megabytes.
  var peakMB: Int { get throws { try memoryKB("VmHWM") / 1024 } }

  /// How many descriptors are open, once that no longer changes: a start or an end takes a moment.
  func restingDescriptorCount() -> Int {
    var count = descriptors.count
    var unchanged = 0
    _ = eventually {
      usleep(50_000)
      let now = descriptors.count
      unchanged = now == count ? unchanged + 1 : 0
      count = now
      return unchanged == 5
    }
    return count
  }

  /// What the open descriptors of the process refer to.
  var descriptors: [String] {
    let folder = "/proc/\(pid)/fd"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
  }
}

/// Waits for one child and keeps how it ended; never signals a process id that is no longer its own.
private final class Reaper: @unchecked Sendable {
  private let condition = NSCondition()
  private let pid: pid_t?
  private var ended: Exit?

  init(_ pid: pid_t?) {
    self.pid = pid
    guard let pid else { return }
    onThread { [self] in
      var information = siginfo_t()
      while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
      condition.withLock {
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        ended = status & 0x7f == 0 ? .code(status >> 8 & 0xff) : .signal(status & 0x7f)
        condition.broadcast()
      }
    }
  }

  var exit: Exit? { condition.withLock { ended } }

  func kill(_ signal: Int32) {
    condition.withLock {
      if let pid, ended == nil { Glibc.kill(pid, signal) }
    }
  }

  func wait(_ deadline: Deadline) -> Exit? {
    condition.withLock {
      while ended == nil, condition.wait(until: deadline.date) {}
      return ended
    }
  }
}
