import EventLoop
import HTTP1

/// Turns the field section of a request (RFC 9113, 8.3.1) into a head of HTTP/1.1. One is enough for a connection: sections
/// do not overlap.
///
/// What it writes is parsed as every client's head is. It checks for itself only that no value can begin a line.
struct TranslatedRequest: ~Copyable {
  /// How the body that follows is kept apart from the next request.
  enum BodyForm {
    case none
    /// Content-Length says, and nghttp2 sees to it that it is right.
    case length
    case chunked
  }

  private let limitBytes: Int
  private var method = ByteWriter(capacity: 16)
  private var target = ByteWriter(capacity: 256)
  private var authority = ByteWriter(capacity: 64)
  private var lines = ByteWriter(capacity: 1 << 10)
  /// Of all Cookie fields, each of which may be a part of one (RFC 9113, 8.2.3).
  private var cookies = ByteWriter(capacity: 256)
  private var hasLength = false

  /// - Parameter limitBytes: where it stops adding: what it writes is then longer than that, for the parser to refuse.
  init(limitBytes: Int) { self.limitBytes = limitBytes }

  mutating func begin() {
    method.removeAll()
    target.removeAll()
    authority.removeAll()
    lines.removeAll()
    cookies.removeAll()
    hasLength = false
  }

  /// Adds a field; false when its bytes could be taken for more than one.
  mutating func add(_ name: FieldBytes, _ value: FieldBytes) -> Bool {
    guard name.isOneLine, value.isOneLine else { return false }
    if target.count + lines.count + cookies.count > limitBytes { return true }
    if name.begins == UInt8(ascii: ":") {
      addControl(name, value)
    } else if name == "cookie" {
      if !cookies.isEmpty { cookies.append("; ") }
      unsafe cookies.append(value.bytes)
    } else if name == "host", isAuthority(value) {
      // The same once more is no contradiction.
    } else {
      if name == "content-length" { hasLength = true }
      unsafe lines.append(name.bytes)
      lines.append(": ")
      unsafe lines.append(value.bytes)
      lines.append("\r\n")
    }
    return true
  }

  /// The scheme is the connection's, whatever is said here.
  private mutating func addControl(_ name: FieldBytes, _ value: FieldBytes) {
    if name == ":method" {
      unsafe method.append(value.bytes)
    } else if name == ":path" {
      unsafe target.append(value.bytes)
    } else if name == ":authority" {
      unsafe authority.append(value.bytes)
    }
  }

  private func isAuthority(_ value: FieldBytes) -> Bool {
    unsafe authority.withUnsafeBytes { unsafe value.equals($0) }
  }

  /// Its answer has no content, whatever the fields of that say.
  var asksByHead: Bool {
    unsafe method.withUnsafeBytes {
      unsafe FieldBytes($0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count) == "HEAD"
    }
  }

  /// Writes the head; nil without memory.
  mutating func write(into block: inout ByteBlock, bodyFollows: Bool) -> BodyForm? {
    let form: BodyForm = !bodyFollows ? .none : hasLength ? .length : .chunked
    method.append(" ")
    target.withBytes { method.append($0) }
    method.append(" HTTP/1.1\r\n")
    if !authority.isEmpty {
      method.append("Host: ")
      authority.withBytes { method.append($0) }
      method.append("\r\n")
    }
    if !cookies.isEmpty {
      lines.append("Cookie: ")
      cookies.withBytes { lines.append($0) }
      lines.append("\r\n")
    }
    if form == .chunked { lines.append("Transfer-Encoding: chunked\r\n") }
    lines.append("\r\n")
    let isWritten =
      unsafe method.withUnsafeBytes { unsafe block.append($0) }
      && lines.withUnsafeBytes { unsafe block.append($0) }
    return isWritten ? form : nil
  }
}
