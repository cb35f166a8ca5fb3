import Glibc

/// The kernel's files, which have no length until they are read.
enum SystemFiles {
  /// What a file under `/proc` holds; nil when it can't be read.
  static func contents(of path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = unsafe read(descriptor, &part, part.count)
      if count > 0 {
        bytes += part.prefix(count)
      } else if count == 0 {
        return String(decoding: bytes, as: UTF8.self)
      } else if errno != EINTR {
        return nil
      }
    }
  }

  /// How many entries a folder has; nil when it can't be read.
  static func countEntries(of path: String) -> Int? {
    guard let folder = unsafe opendir(path) else { return nil }
    defer { unsafe closedir(folder) }
    // The folder names itself, its parent, and the descriptor that it is read by.
    var count = -3
    while unsafe readdir(folder) != nil { count += 1 }
    return max(0, count)
  }
}
