import FoundationEssentials
import Glibc

/// Standard output and standard error, written without a buffer: a line is one write.
enum StandardStream: Int32 {
  case output = 1
  case error = 2

  /// Gives up quietly when nobody reads; there is nowhere left to say so.
  func write(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(rawValue, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { return }
      rest = rest.dropFirst(written)
    }
  }
}

enum ProcessEnvironment {
  static var variables: [String: String] { ProcessInfo.processInfo.environment }
  /// The processors that this process may run on.
  static var cores: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }
}

/// The descriptors that the process may open, and the connections that fit.
struct DescriptorLimit: Equatable {
  /// `RLIMIT_NOFILE` as it is in force.
  let descriptors: Int

  init(descriptors: Int) {
    self.descriptors = descriptors
  }

  /// What is in force, in descriptors.
  static func current() -> DescriptorLimit {
    DescriptorLimit(descriptors: read().map { Int(clamping: $0.rlim_cur) } ?? unknown)
  }

  /// Raises the soft limit to the hard one and reads what is then in force.
  static func raised() -> DescriptorLimit {
    guard let limit = read() else { return DescriptorLimit(descriptors: unknown) }
    if limit.rlim_cur < limit.rlim_max {
      var wanted = limit
      wanted.rlim_cur = limit.rlim_max
      _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &wanted)
    }
    return current()
  }

  /// What the system's limit is taken for where it does not tell.
  private static let unknown = 1024

  private static func read() -> rlimit? {
    var limit = rlimit()
    return unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? limit : nil
  }

  /// Descriptors kept for listeners, loops, logs and snapshots.
  private static let reserved = 64
  /// A client, its origin, and a body in a file or a second origin.
  private static let perConnection = 3

  /// Client connections that fit.
  var uncappedConnections: Int { max(1, (descriptors - Self.reserved) / Self.perConnection) }

  /// Client connections that fit, at most 65,536: the default where the limit on open files is enormous.
  var connections: Int { min(65_536, uncappedConnections) }

  /// The descriptors that so many client connections need at worst.
  static func needed(forConnections count: Int) -> Int {
    count * perConnection + reserved
  }
}
