import Glibc

/// An open file, closed when its owner lets go.
struct FileDescriptor: ~Copyable {
  private let fd: Int32
  private let path: String

  init(opening path: String, _ flags: Int32, to action: String) throws(SnapshotError) {
    var fd: Int32
    repeat {
      fd = unsafe open(path, flags | O_CLOEXEC, 0o644)
    } while fd < 0 && errno == EINTR
    guard fd >= 0 else { throw .system(path: path, action: action, code: errno) }
    self.fd = fd
    self.path = path
  }

  deinit {
    close(fd)
  }

  /// Writes all of `bytes`.
  borrowing func write(_ bytes: Span<UInt8>) throws(SnapshotError) {
    var done = 0
    while done < bytes.count {
      let rest = bytes.extracting(done...)
      let written = unsafe rest.withUnsafeBufferPointer { unsafe Glibc.write(fd, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        throw .system(path: path, action: "write the URL map", code: errno)
      }
      done += written
    }
  }

  /// Puts up to `count` bytes of the file behind `rest`; nothing is put there at the file's end.
  borrowing func read(_ count: Int, behind rest: Span<UInt8>) throws(SnapshotError) -> [UInt8] {
    var code: Int32 = 0
    let restCount = rest.count
    let bytes = unsafe rest.withUnsafeBufferPointer { rest in
      unsafe [UInt8](unsafeUninitializedCapacity: restCount + count) { buffer, initialized in
        _ = unsafe buffer.initialize(fromContentsOf: rest)
        initialized = restCount
        guard let start = buffer.baseAddress else { return }
        var got: Int
        repeat {
          got = unsafe Glibc.read(fd, start + restCount, count)
        } while got < 0 && errno == EINTR
        if got < 0 { code = errno } else { initialized += got }
      }
    }
    guard code == 0 else { throw .system(path: path, action: "read the URL map", code: code) }
    return bytes
  }

  borrowing func sync() throws(SnapshotError) {
    guard fsync(fd) == 0 else { throw .system(path: path, action: "bring it to the disk", code: errno) }
  }

  borrowing func truncate(to bytes: Int) throws(SnapshotError) {
    guard ftruncate(fd, bytes) == 0 else { throw .system(path: path, action: "cut it", code: errno) }
  }

  /// Takes the system's lock on the file, which ends when the file is closed. False when another has it.
  borrowing func lockIfFree() throws(SnapshotError) -> Bool {
    while flock(fd, LOCK_EX | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK: return false
      default: throw .system(path: path, action: "lock it", code: errno)
      }
    }
    return true
  }
}
