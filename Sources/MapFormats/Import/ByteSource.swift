import Glibc

/// The bytes of a file or of standard input, piece by piece.
final class ByteSource {
  /// As messages name it.
  let name: String
  private let fd: Int32
  private var first: [UInt8]?
  private(set) var readBytes = 0

  static let pieceBytes = 256 << 10

  /// - Parameter path: `-` is standard input.
  init(_ path: String) throws(ImportError) {
    if path == "-" {
      name = "standard input"
      fd = STDIN_FILENO
    } else {
      name = path
      var fd: Int32
      repeat {
        fd = unsafe open(path, O_RDONLY | O_CLOEXEC)
      } while fd < 0 && errno == EINTR
      guard fd >= 0 else { throw .system(path: path, action: "open the file", code: errno) }
      self.fd = fd
    }
  }

  deinit {
    if fd != STDIN_FILENO { close(fd) }
  }

  /// What the next call of `next` returns; empty at the end.
  func peek() throws(ImportError) -> [UInt8] {
    if let first { return first }
    let piece = try next()
    first = piece
    return piece
  }

  /// The next bytes; empty at the end.
  func next() throws(ImportError) -> [UInt8] {
    if let piece = first.take() { return piece }
    var code: Int32 = 0
    let fd = fd
    let piece = unsafe [UInt8](unsafeUninitializedCapacity: Self.pieceBytes) { buffer, initialized in
      var got: Int
      repeat {
        got = unsafe read(fd, buffer.baseAddress, buffer.count)
      } while got < 0 && errno == EINTR
      if got < 0 { code = errno }
      initialized = max(0, got)
    }
    guard code == 0 else { throw .system(path: name, action: "read", code: code) }
    readBytes += piece.count
    return piece
  }
}
