import Foundation

/// What went wrong in the harness itself, as opposed to in an expectation.
enum HarnessError: Error, CustomStringConvertible {
  case deadline(String)
  case connectionReset
  case connectionClosed(String)
  case malformed(String)
  case system(String, Int32)

  var description: String {
    switch self {
    case .deadline(let what): "nothing within the deadline: \(what)"
    case .connectionReset: "the peer reset the connection"
    case .connectionClosed(let what): "the peer closed the connection: \(what)"
    case .malformed(let what): "malformed: \(what)"
    case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
    }
  }

  /// The last system call's failure.
  static func last(_ call: String) -> HarnessError { .system(call, errno) }
}

/// A moment after which waiting is a failure. Every wait of the harness has one, so nothing hangs.
struct Deadline: Sendable {
  /// How often longer than on a quiet machine everything may take; sanitizer runs set it.
  static let patience = Double(ProcessInfo.processInfo.environment["RELEVO_TEST_PATIENCE"] ?? "") ?? 1

  private let end: ContinuousClock.Instant

  /// A deadline this many seconds from now.
  static func after(_ seconds: Double = 5) -> Deadline {
    Deadline(end: .now + .seconds(seconds * patience))
  }

  var hasPassed: Bool { ContinuousClock.now >= end }

  /// What is left, for poll(2): never negative, rounded up.
  var remainingMs: Int32 {
    let left = ContinuousClock.now.duration(to: end)
    return Int32(max(0, min(left / .milliseconds(1), 1e9)).rounded(.up))
  }

  var date: Date { Date(timeIntervalSinceNow: Double(remainingMs) / 1000) }
}

/// Waits until `condition` holds; false when the deadline passed first.
func eventually(within deadline: Deadline = .after(), _ condition: () throws -> Bool) rethrows -> Bool {
  while true {
    if try condition() { return true }
    if deadline.hasPassed { return false }
    usleep(5_000)
  }
}

/// How long `work` took, in seconds.
func seconds(_ work: () throws -> Void) rethrows -> Double {
  try ContinuousClock().measure(work) / .seconds(1)
}

/// Something that happens once and that other threads wait for.
final class Gate: @unchecked Sendable {
  private let condition = NSCondition()
  private var opened = false

  var isOpen: Bool { condition.withLock { opened } }

  func open() {
    condition.withLock {
      opened = true
      condition.broadcast()
    }
  }

  func wait(_ deadline: Deadline = .after(), _ what: String = "a gate of the test") throws {
    try condition.withLock {
      while !opened {
        guard condition.wait(until: deadline.date) else { throw HarnessError.deadline(what) }
      }
    }
  }
}

/// Runs `work` on a thread of its own.
func onThread(_ work: @escaping @Sendable () -> Void) {
  let thread = Thread(block: work)
  thread.stackSize = 1 << 20
  thread.start()
}

/// Work on a thread of its own whose result is waited for.
final class Background<Value>: @unchecked Sendable {
  private let condition = NSCondition()
  private var result: Result<Value, any Error>?

  init(_ work: @escaping @Sendable () throws -> Value) {
    onThread { [self] in
      let outcome = Result { try work() }
      condition.withLock {
        result = outcome
        condition.broadcast()
      }
    }
  }

  func value(_ deadline: Deadline = .after()) throws -> Value {
    try condition.withLock {
      while result == nil {
        guard condition.wait(until: deadline.date) else { throw HarnessError.deadline("work on a thread") }
      }
    }
    return try result!.get()
  }
}
