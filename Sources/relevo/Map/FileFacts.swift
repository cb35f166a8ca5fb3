import Glibc

/// What the file system tells of one of the files of a map.
struct FileFacts: Equatable {
  enum Role: String {
    case snapshot = "map file"
    case journal
  }

  let role: Role
  let bytes: Int
  /// Seconds since 1970.
  let modifiedAt: UInt32

  init(role: Role, bytes: Int, modifiedAt: UInt32) {
    self.role = role
    self.bytes = bytes
    self.modifiedAt = modifiedAt
  }

  /// Of all these files together, the newest time; nil when there is none of them.
  init?(_ role: Role, paths: [String]) {
    var bytes = 0
    var modifiedAt: UInt32?
    for path in paths {
      var status = stat()
      guard unsafe stat(path, &status) == 0 else { continue }
      bytes += Int(status.st_size)
      modifiedAt = max(modifiedAt ?? 0, UInt32(clamping: status.st_mtim.tv_sec))
    }
    guard let modifiedAt else { return nil }
    self.init(role: role, bytes: bytes, modifiedAt: modifiedAt)
  }
}

enum SystemClock {
  /// Seconds since 1970.
  static var now: UInt32 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return UInt32(clamping: time.tv_sec)
  }
}
