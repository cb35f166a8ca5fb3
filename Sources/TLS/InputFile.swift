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
}
