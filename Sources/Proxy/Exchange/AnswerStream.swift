import EventLoop
import HTTP1

/// Where an exchange stands in the answer that its client gets.
///
///     origin's input:  | ready to go | not looked at |
struct AnswerStream {
  var scanner = BodyScanner(.none)
  /// Bytes at the front of the origin's input that go to the client.
  var readyCount = 0
  /// The origin ends its body by closing; the client gets it in chunks written here.
  var writesChunks = false
  private var hasWrittenChunk = false
  /// The origin ends its body by closing.
  var endsByClose = false
  /// All of the body has come from the origin.
  var isWhole = false
  /// The origin's connection can serve another request.
  var keepsOrigin = false
  /// What is left of it goes through this pipe; see `Exchange+Splicing`.
  var pipe: SplicePipe?
  /// The client's connection can carry another request.
  var keepsClient = false

  /// Writes what stands before the next `count` bytes of a body in chunks (RFC 9112, 7.1).
  mutating func writeChunkStart(_ count: Int, into writer: inout ByteWriter) {
    if hasWrittenChunk { writer.append("\r\n") }
    hasWrittenChunk = true
    writer.append(hexadecimal: UInt64(count))
    writer.append("\r\n")
  }

  /// Writes what stands behind the last chunk.
  mutating func writeChunksEnd(into writer: inout ByteWriter) {
    writer.append(hasWrittenChunk ? "\r\n0\r\n\r\n" : "0\r\n\r\n")
  }
}
