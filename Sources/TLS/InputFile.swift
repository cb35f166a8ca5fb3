import COpenSSL
import EventLoop
import Glibc

/// Files as OpenSSL reads them.
enum InputFile {
  /// A file to read from, which the caller frees.
  static func open(_ path: String) throws(TLSError) -> OpaquePointer {
    OpenSSLErrors.clear()
    if let bio = unsafe BIO_new_file(path, "r") { return unsafe bio }
    let code = errno
    OpenSSLErrors.clear()
    throw TLSError("can't read \(path): \(systemMessage(code))")
  }

  /// All that is in a file.
  static func bytes(_ path: String) throws(TLSError) -> [UInt8] {
    let bio = unsafe try open(path)
    defer { unsafe BIO_free_all(bio) }
    var bytes: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 64 << 10)
    while case let count = unsafe BIO_read(bio, &room, Int32(room.count)), count > 0 {
      bytes += room.prefix(Int(count))
    }
    return bytes
  }
}
