import Glibc

/// A request's body as it was forwarded, kept so that it can be sent once more.
///
/// The first bytes stay in memory; past `memoryLimit` all of them go to an unlinked temporary file, which
/// the kernel removes with the last descriptor, whatever happens to the process.
final class BodyRecorder {
  enum Failure: Error, Equatable {
    /// The body is longer than what may be recorded.
    case pastLimit
    /// The temporary file cannot be made or written.
    case file(errno: Int32)
  }

  private let memoryLimit: Int
  private let limit: Int
  private var memory: [UInt8] = []
  /// Owned; -1 while all is in memory.
  private var file: Int32 = -1
  private(set) var count = 0

  init(memoryLimit: Int, limit: Int) {
    self.memoryLimit = memoryLimit
    self.limit = limit
  }

  deinit {
    if file >= 0 { close(file) }
  }

  func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    guard bytes.count <= limit - count else { throw .pastLimit }
    if file < 0, count + bytes.count <= memoryLimit {
      unsafe memory.append(contentsOf: bytes)
    } else {
      if file < 0 { try moveToFile() }
      unsafe try write(bytes)
    }
    count += bytes.count
  }

  /// Copies recorded bytes from `offset` on into `target`; 0 when there are no more.
  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let wanted = min(target.count, count - offset)
    if wanted <= 0 { return 0 }
    if file < 0 {
      unsafe memory.withUnsafeBytes {
        unsafe target.copyMemory(from: .init(rebasing: $0[offset..<offset + wanted]))
      }
      return wanted
    }
    let got = unsafe pread(file, target.baseAddress, wanted, off_t(offset))
    if got <= 0 { throw .file(errno: got < 0 ? errno : EIO) }
    return got
  }

  private func moveToFile() throws(Failure) {
    let named = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? ""
    let folder = named.isEmpty ? "/tmp" : named
    var template = Array("\(folder)/relevo-body-XXXXXX".utf8CString)
    let descriptor = unsafe mkstemp(&template)
    if descriptor < 0 { throw .file(errno: errno) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    unsafe unlink(template)
    file = descriptor
    let written: Result<Void, Failure> = unsafe memory.withUnsafeBytes { bytes in
      Result { () throws(Failure) in unsafe try write(bytes) }
    }
    memory = []
    try written.get()
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let written = unsafe Glibc.write(file, bytes.baseAddress?.advanced(by: done), bytes.count - done)
      if written > 0 {
        done += written
      } else if written < 0, errno == EINTR {
        continue
      } else {
        throw .file(errno: written < 0 ? errno : EIO)
      }
    }
  }
}
