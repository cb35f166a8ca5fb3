import COpenSSL
import EventLoop
import Glibc

/// A file for the secrets of every connection, in the format that NSS made and Wireshark reads (SSLKEYLOGFILE). Whoever has it
/// can read captured traffic. Any thread may write.
public final class KeyLog: Sendable {
  public let path: String
  /// Owned; closed in `deinit`.
  private let descriptor: Int32

  /// Opens the file to append to it, and makes it, readable by its owner alone, when there is none.
  ///
  /// - Throws: ``TLSError`` when it can't be opened, or others may read or write it.
  public init(path: String) throws(TLSError) {
    self.path = path
    descriptor = unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    if descriptor < 0 { throw TLSError("can't write \(path): \(systemMessage(errno))") }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw TLSError("\(path) is no file: secrets are written to files alone")
    }
    guard status.st_mode & 0o077 == 0 else {
      throw TLSError(
        "others may read \(path), and whoever reads it can read all captured traffic: chmod 600 \(path)")
    }
    guard status.st_uid == geteuid() else {
      throw TLSError("\(path) belongs to another user: remove it, or give another file")
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Has OpenSSL call it for every connection of a context whose data is a ``TLSContext``.
  static func attach(to context: OpaquePointer) {
    unsafe SSL_CTX_set_keylog_callback(context) { ssl, line in
      guard let line = unsafe line, let owner = unsafe TLSContext.of(ssl) else { return }
      unsafe owner.keyLog?.write(line)
    }
  }

  /// In one write, so that lines of several threads and processes stay whole.
  private func write(_ line: UnsafePointer<CChar>) {
    var bytes = unsafe Array(UnsafeRawBufferPointer(start: line, count: strlen(line)))
    bytes.append(UInt8(ascii: "\n"))
    _ = unsafe Glibc.write(descriptor, bytes, bytes.count)
  }
}
