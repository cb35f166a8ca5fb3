import EventLoop
import Glibc

/// An open access log: a file, or something that may be slow to take its bytes (a pipe, a terminal). Owns its descriptor,
/// unless that is standard output.
struct LogFile: ~Copyable, Sendable {
  enum Outcome {
    /// So many bytes were taken, perhaps not all.
    case wrote(Int)
    /// It takes nothing for now: wait until the descriptor can be written to.
    case full
    case failed(errno: Int32)
  }

  let descriptor: Int32
  private let isRegular: Bool

  /// - Throws: ``AccessLogError`` when it can't be opened.
  init(_ destination: AccessLog.Destination) throws(AccessLogError) {
    switch destination {
    case .standardOutput: descriptor = STDOUT_FILENO
    case .file(let path):
      // Not waiting is for a named pipe, which would hold the start up until somebody reads it.
      let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK
      descriptor = unsafe Glibc.open(path, flags, 0o640)
      if descriptor < 0 {
        let code = errno
        throw AccessLogError(
          path: path,
          reason: code == ENXIO ? "nobody reads this pipe: start its reader first" : systemMessage(code))
      }
    }
    var status = stat()
    isRegular = unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  deinit {
    if descriptor != STDOUT_FILENO { close(descriptor) }
  }

  /// Writes what is taken at once, of the bytes from `offset` on.
  func write(_ bytes: [UInt8], from offset: Int) -> Outcome {
    if !isRegular, !canTakeMore { return .full }
    // A pipe that says it has room takes so many without waiting, whoever else holds its other ends.
    let count = isRegular ? bytes.count - offset : min(bytes.count - offset, Int(PIPE_BUF))
    let written = unsafe bytes.withUnsafeBytes {
      unsafe Glibc.write(descriptor, $0.baseAddress.map { unsafe $0 + offset }, count)
    }
    if written >= 0 { return .wrote(written) }
    switch errno {
    case EINTR: return .wrote(0)
    case EAGAIN: return .full
    case let code: return .failed(errno: code)
    }
  }

  private var canTakeMore: Bool {
    var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return unsafe poll(&watched, 1, 0) > 0
  }
}
