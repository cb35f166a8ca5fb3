import Glibc

/// Standard output for many lines: written in pieces of 64 KiB, and not gone on with when nobody takes them.
struct LineOutput: ~Copyable {
  /// What is yet to be written.
  var bytes: [UInt8] = []

  private static let limitBytes = 64 << 10

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
      let written = unsafe rest.withUnsafeBytes { unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else {
        let reason = unsafe String(cString: strerror(errno))
        throw CommandFailure("cannot write to standard output: \(reason)", code: .inputOutput)
      }
      rest = rest.dropFirst(written)
    }
    bytes.removeAll(keepingCapacity: true)
  }
}
