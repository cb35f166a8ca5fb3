import Glibc

/// Why an export could not be written; `description` is the sentence for the operator.
public enum ExportError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A system call failed: what was to be done, and errno.
  case system(path: String, action: String, code: Int32)
  /// One file holds no more, and there is to be only one.
  case needsFolder
  /// Files in a folder need the address that they will have.
  case needsBase
  /// Whoever takes the bytes does not take any more.
  case refused(String)

  public var description: String {
    switch self {
    case .system(let path, let action, let code):
      "\(path): cannot \(action): \(unsafe String(cString: strerror(code)))"
    case .needsFolder:
      "a sitemap holds at most \(Sitemap.mostURLs) URLs and 50 MB: give a folder with --output FOLDER/, "
        + "for several and their index"
    case .needsBase:
      "an index names its sitemaps by whole URLs: give the site with --to https://www.example.com"
    case .refused(let reason): reason
    }
  }
}

/// Where an export goes: through a buffer into standard output, a file, or several files of a folder.
///
/// A file appears under its name when it is whole: what is written before has a name of its own, and goes away if the
/// export fails.
public final class ExportOutput {
  public enum Destination: Sendable, Equatable {
    case standardOutput
    case file(String)
    /// A folder, which must exist.
    case folder(String)
    /// Whoever takes the bytes: see ``ExportOutput/init(handingTo:)``.
    case sink
  }

  /// Takes bytes over, and may wait before it does. What it throws ends the export.
  public typealias Sink = (_ bytes: [UInt8]) throws -> Void

  public let destination: Destination
  /// What is yet to be written.
  var bytes: [UInt8] = []
  private(set) var writtenBytes = 0
  private var sink: Sink?
  private var fd: Int32 = -1
  private var path = ""
  /// Files that are whole but not in place: their names of now and then.
  private var pending: [(temporary: String, path: String)] = []

  private static let limitBytes = 256 << 10

  public init(_ destination: Destination) {
    self.destination = destination
  }

  /// Hands everything to `sink`, in parts of some 256 KiB.
  public init(handingTo sink: @escaping Sink) {
    destination = .sink
    self.sink = sink
  }

  deinit {
    if fd >= 0, fd != STDOUT_FILENO { close(fd) }
    for file in pending { _ = unsafe unlink(file.temporary) }
  }

  var isFolder: Bool {
    if case .folder = destination { return true }
    return false
  }

  /// Begins a file. `name` counts in a folder only.
  func begin(_ name: String) throws(ExportError) {
    switch destination {
    case .standardOutput:
      fd = STDOUT_FILENO
      path = "standard output"
    case .sink: path = "the client"
    case .file(let file): try create(file)
    case .folder(let folder): try create(folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)")
    }
  }

  private func create(_ file: String) throws(ExportError) {
    path = file
    let temporary = file + ".tmp"
    fd = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o644)
    guard fd >= 0 else { throw .system(path: temporary, action: "create the file", code: errno) }
    pending.append((temporary, file))
  }

  /// To be called after something was added to `bytes`. Whether it was written.
  func flushIfFull() throws(ExportError) -> Bool {
    guard bytes.count >= Self.limitBytes else { return false }
    try flush()
    return true
  }

  private func flush() throws(ExportError) {
    if let sink { return try flush(into: sink) }
    var done = 0
    while done < bytes.count {
      let written = unsafe bytes[done...].withUnsafeBytes { unsafe write(fd, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw .system(path: path, action: "write", code: errno) }
      done += written
    }
    writtenBytes += done
    bytes.removeAll(keepingCapacity: true)
  }

  private func flush(into sink: Sink) throws(ExportError) {
    guard !bytes.isEmpty else { return }
    do {
      try sink(bytes)
    } catch {
      throw .refused("\(error)")
    }
    writtenBytes += bytes.count
    bytes.removeAll(keepingCapacity: true)
  }

  /// Ends the file that was begun.
  func end() throws(ExportError) {
    try flush()
    guard sink == nil, fd != STDOUT_FILENO else { return }
    let descriptor = fd
    fd = -1
    // Synced before it is renamed: after a power cut there is the old file or the new one, not an empty one.
    let synced = fsync(descriptor) == 0 ? 0 : errno
    guard close(descriptor) == 0, synced == 0 else {
      throw .system(path: path, action: "bring it to the disk", code: synced == 0 ? errno : synced)
    }
  }

  /// Puts all files in place, in the order in which they were begun.
  func commit() throws(ExportError) {
    while let file = pending.first {
      guard unsafe rename(file.temporary, file.path) == 0 else {
        throw .system(path: file.path, action: "put the file in place", code: errno)
      }
      pending.removeFirst()
    }
  }
}
