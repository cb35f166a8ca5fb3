import COpenSSL
import Glibc

/// The thread's queue of what OpenSSL has to say about the call that failed last.
enum OpenSSLErrors {
  static func clear() { ERR_clear_error() }

  /// The first of them, which is the cause; 0 when there is none.
  static var first: UInt { ERR_peek_error() }

  static func isTLS(_ code: UInt, _ reason: Int32) -> Bool { relevo_is_ssl_error(code, reason) != 0 }

  /// The library's words for a code, such as `no shared cipher`.
  static func text(_ code: UInt) -> String {
    if let reason = unsafe ERR_reason_error_string(code) { return unsafe String(cString: reason) }
    return "error \(String(code, radix: 16))"
  }

  /// The words for the first of them, and an empty queue.
  static func takeText() -> String {
    defer { clear() }
    let code = first
    return code == 0 ? "no reason given" : text(code)
  }
}
