import Glibc

/// An open file, closed when its owner lets go.
struct FileDescriptor: ~Copyable {
  private let fd: Int32
  private let path: String
  private let disk: Disk

  init(
    opening path: String, _ flags: Int32, to action: String, on disk: Disk = Disk()
  ) throws(SnapshotError) {
    if flags & O_CREAT != 0 { try disk.rehearse(.create, path, to: action) }
    var fd: Int32
    repeat {
      fd = unsafe open(path, flags | O_CLOEXEC, 0o644)
    } while fd < 0 && errno == EINTR
    guard fd >= 0 else { throw .system(path: path, action: action, code: errno) }
    self.fd = fd
    self.path = path
    self.disk = disk
  }

  /// One that another process has opened.
  init(adopting descriptor: Int32, path: String) {
    fd = descriptor
    self.path = path
    disk = Disk()
  }

  deinit {
    close(fd)
  }

  /// The same open file once more, for somebody who closes it; nil when no descriptor is left.
  borrowing func duplicate() -> Int32? {
    let copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)
    return copy < 0 ? nil : copy
  }

  /// Writes all of `bytes`.
  borrowing func write(_ bytes: Span<UInt8>) throws(SnapshotError) {
    try unsafe writeAll(bytes) { start, count, _ in unsafe Glibc.write(fd, start, count) }
  }

  /// Writes all of `bytes` at `offset`, over what may be there.
  borrowing func write(_ bytes: Span<UInt8>, at offset: Int) throws(SnapshotError) {
    try unsafe writeAll(bytes) { start, count, done in unsafe pwrite(fd, start, count, offset + done) }
  }

  private borrowing func writeAll(
    _ bytes: Span<UInt8>, _ write: (UnsafePointer<UInt8>?, Int, _ done: Int) -> Int
  ) throws(SnapshotError) {
    try disk.rehearse(.write, path, to: "write the URL map")
    var done = 0
    while done < bytes.count {
      let rest = bytes.extracting(done...)
      let written = unsafe rest.withUnsafeBufferPointer { unsafe write($0.baseAddress, $0.count, done) }
      if written < 0 {
        if errno == EINTR { continue }
        throw .system(path: path, action: "write the URL map", code: errno)
      }
      done += written
    }
  }

  /// Puts up to `count` bytes of the file behind `rest`; nothing is put there at the file's end.
  borrowing func read(_ count: Int, behind rest: Span<UInt8>) throws(SnapshotError) -> [UInt8] {
    try unsafe read(count, behind: rest) { start, count in unsafe Glibc.read(fd, start, count) }
  }

  /// The first bytes of the file, up to `count`; does not move what `read(_:behind:)` reads next.
  borrowing func readStart(_ count: Int) throws(SnapshotError) -> [UInt8] {
    try unsafe read(count, behind: [UInt8]().span) { start, count in unsafe pread(fd, start, count, 0) }
  }

  /// The byte at `offset`; nil behind the file's end.
  borrowing func byte(at offset: Int) throws(SnapshotError) -> UInt8? {
    try unsafe read(1, behind: [UInt8]().span) { start, count in unsafe pread(fd, start, count, offset) }
      .first
  }

  private borrowing func read(
    _ count: Int, behind rest: Span<UInt8>, _ read: (UnsafeMutablePointer<UInt8>, Int) -> Int
  ) throws(SnapshotError) -> [UInt8] {
    var code: Int32 = 0
    let restCount = rest.count
    let bytes = unsafe rest.withUnsafeBufferPointer { rest in
      unsafe [UInt8](unsafeUninitializedCapacity: restCount + count) { buffer, initialized in
        _ = unsafe buffer.initialize(fromContentsOf: rest)
        initialized = restCount
        guard let start = buffer.baseAddress else { return }
        var got: Int
        repeat {
          got = unsafe read(start + restCount, count)
        } while got < 0 && errno == EINTR
        if got < 0 { code = errno } else { initialized += got }
      }
    }
    guard code == 0 else { throw .system(path: path, action: "read the URL map", code: code) }
    return bytes
  }

  /// Returns when what was written is on the disk.
  borrowing func sync() throws(SnapshotError) {
    try disk.rehearse(.sync, path, to: "bring it to the disk")
    guard fdatasync(fd) == 0 else { throw .system(path: path, action: "bring it to the disk", code: errno) }
  }

  borrowing func truncate(to bytes: Int) throws(SnapshotError) {
    guard ftruncate(fd, bytes) == 0 else { throw .system(path: path, action: "cut it", code: errno) }
  }

  /// Whether the path that was opened still leads to this file: not when that was removed, moved or replaced.
  var isInPlace: Bool {
    var mine = stat()
    var there = stat()
    guard unsafe fstat(fd, &mine) == 0, unsafe stat(path, &there) == 0 else { return false }
    return mine.st_dev == there.st_dev && mine.st_ino == there.st_ino
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

/// An open file with several owners.
final class OpenFile: Sendable {
  let descriptor: FileDescriptor

  init(
    opening path: String, _ flags: Int32, to action: String, on disk: Disk = Disk()
  ) throws(SnapshotError) {
    descriptor = try FileDescriptor(opening: path, flags, to: action, on: disk)
  }
}
