import Glibc

extension UnsafeRawBufferPointer {
  /// What libFuzzer gives, as an array.
  init(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    unsafe self.init(start: bytes, count: bytes == nil ? 0 : count)
  }
}

/// A file in memory, without a name, whose content is replaced for each input.
struct ScratchFile {
  private let fd: Int32

  init() {
    var template = Array("/dev/shm/relevo-fuzz-XXXXXX".utf8CString)
    fd = unsafe mkstemp(&template)
    precondition(fd >= 0, "cannot make a file in /dev/shm")
    _ = unsafe unlink(template)
  }

  /// The way to it in this process.
  var path: String { "/proc/self/fd/\(fd)" }

  func write(_ bytes: [UInt8]) {
    let written = unsafe bytes.withUnsafeBytes { unsafe pwrite(fd, $0.baseAddress, $0.count, 0) }
    precondition(
      written == bytes.count && ftruncate(fd, off_t(bytes.count)) == 0, "cannot write into /dev/shm")
  }
}
