import EventLoop
import Glibc

/// Reads the files that say who may use the admin plane.
enum CredentialFile {
  /// Whom a file must be kept from.
  enum Secrecy {
    /// Others than its user and group must not read it.
    case secret
    /// They may, but must not write it.
    case hashed
  }

  private static let limitBytes = 1 << 20

  /// - Parameter flag: that names the file, for the sentence.
  /// - Throws: ``CredentialFileError``.
  static func contents(
    of path: String, flag: String, _ secrecy: Secrecy
  ) throws(CredentialFileError) -> [UInt8] {
    func failure(_ sentence: String) -> CredentialFileError {
      CredentialFileError("\(flag) \(path) \(sentence)")
    }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure("can't be read: \(systemMessage(errno))") }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw failure("can't be read: \(systemMessage(errno))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure("is no file: name one") }
    let forbidden: mode_t =
      switch secrecy {
      case .secret: S_IROTH | S_IWOTH
      case .hashed: S_IWOTH
      }
    guard status.st_mode & forbidden == 0 else {
      throw failure("is open to every user of this machine: chmod o-rwx \(path)")
    }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = unsafe part.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("can't be read: \(systemMessage(errno))") }
      guard count > 0 else { return bytes }
      bytes += part[..<count]
      guard bytes.count <= limitBytes else { throw failure("is longer than 1 MiB: is it the right file?") }
    }
  }
}
