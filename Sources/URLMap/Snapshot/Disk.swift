import Glibc

/// What the map's files are changed with.
struct Disk: Sendable {
  /// A system call that changes what is on the disk.
  enum Step: Sendable, Equatable {
    case create, write, sync, rename, link, remove, syncFolder
  }

  /// For tests: called before each step with its path. A result other than 0 is the errno that the step fails with.
  var rehearsal: (@Sendable (Step, String) -> Int32)?

  func rehearse(_ step: Step, _ path: String, to action: String) throws(SnapshotError) {
    guard let rehearsal else { return }
    let code = rehearsal(step, path)
    guard code == 0 else { throw .system(path: path, action: action, code: code) }
  }

  func rename(_ path: String, to newPath: String, _ action: String) throws(SnapshotError) {
    try rehearse(.rename, newPath, to: action)
    guard unsafe Glibc.rename(path, newPath) == 0 else {
      throw .system(path: newPath, action: action, code: errno)
    }
  }

  func link(_ path: String, to newPath: String, _ action: String) throws(SnapshotError) {
    try rehearse(.link, newPath, to: action)
    guard unsafe Glibc.link(path, newPath) == 0 else {
      throw .system(path: newPath, action: action, code: errno)
    }
  }

  /// Removes a file if it is there and can be removed.
  func remove(_ path: String) {
    guard rehearsal?(.remove, path) ?? 0 == 0 else { return }
    _ = unsafe unlink(path)
  }

  /// Makes last what was created, renamed and removed in the folder of `path`.
  func syncFolder(of path: String) throws(SnapshotError) {
    let folder = Disk.folder(of: path)
    try rehearse(.syncFolder, folder, to: "bring the folder to the disk")
    try FileDescriptor(opening: folder, O_RDONLY | O_DIRECTORY, to: "open the folder").sync()
  }

  /// The names of the files in the folder of `path`.
  static func names(inFolderOf path: String) throws(SnapshotError) -> [String] {
    let folder = folder(of: path)
    guard let stream = unsafe opendir(folder) else {
      throw .system(path: folder, action: "read the folder", code: errno)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let room = MemoryLayout.size(ofValue: unsafe entry.pointee.d_name)
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix(room).prefix { $0 != 0 }, as: UTF8.self)
      }
      names.append(name)
    }
    return names
  }

  /// `S_IFREG`, `S_IFDIR` and so on, of what a symbolic link leads to; nil, and errno, when there is nothing.
  static func kind(of path: String) -> mode_t? {
    var facts = stat()
    return unsafe stat(path, &facts) == 0 ? facts.st_mode & S_IFMT : nil
  }

  static func folder(of path: String) -> String {
    switch path.utf8.lastIndex(of: UInt8(ascii: "/")) {
    case nil: "."
    case path.startIndex?: "/"
    case let slash?: String(path[..<slash])
    }
  }

  static func name(of path: String) -> Substring {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path[...] }
    return path[path.utf8.index(after: slash)...]
  }
}
