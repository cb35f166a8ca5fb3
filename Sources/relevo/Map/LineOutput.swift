import Glibc

/// Standard output or a file for many lines, written in pieces of 64 KiB.
struct LineOutput: ~Copyable {
  /// What is yet to be written.
  var bytes: [UInt8] = []

  private let descriptor: Int32
  private let name: String

  private static let limitBytes = 64 << 10

  /// Standard output.
  init() {
    descriptor = STDOUT_FILENO
    name = "standard output"
  }

  /// The file at `path`, which is made, or emptied if there is one.
  init(replacing path: String) throws(CommandFailure) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.failure(path) }
    self.descriptor = descriptor
    name = path
  }

  deinit {
    if descriptor != STDOUT_FILENO { close(descriptor) }
  }

  mutating func append(_ text: String) throws(CommandFailure) {
    bytes.append(contentsOf: text.utf8)
    try flushIfFull()
  }

  /// To be called after a line was added to `bytes`.
  mutating func flushIfFull() throws(CommandFailure) {
    if bytes.count >= Self.limitBytes { try flush() }
  }

  /// Writes what is left: the end of every output.
  mutating func flush() throws(CommandFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw Self.failure(name) }
      rest = rest.dropFirst(written)
    }
    bytes.removeAll(keepingCapacity: true)
  }

  /// From errno.
  private static func failure(_ name: String) -> CommandFailure {
    let reason = unsafe String(cString: strerror(errno))
    return CommandFailure("cannot write to \(name): \(reason)", code: .inputOutput)
  }
}
