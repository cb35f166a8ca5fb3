import Glibc
import HTTP1

/// How a line of the access log is written.
public enum AccessLogFormat: String, Sendable, CaseIterable {
  /// The combined format of Apache and nginx, then what Relevo did as `name=value`.
  case combined
  /// One JSON object a line.
  case json
}

/// A request that is over, as a line of the access log shows it.
struct LoggedRequest {
  var record: AccessRecord
  var head: RequestHead
  var fields: LoggedFields
  var sender: Sender
  /// From its first byte to the last of its answer handed to the kernel.
  var tookUs: UInt64

  var protocolName: StaticString {
    if sender.peer.speaksHTTP2 { return "HTTP/2.0" }
    return head.minorVersion == 0 ? "HTTP/1.0" : "HTTP/1.1"
  }
}

/// Where the fields of a request's head stand that the log shows; nil where there is none. Found when the head is read, since
/// the table of its fields has another head's by the time that the line is written.
struct LoggedFields {
  private(set) var referer: ByteRange?
  private(set) var userAgent: ByteRange?

  /// None.
  init() {}

  /// The first ones in the table, which is that of the request's head.
  init(_ fields: borrowing FieldTable) {
    for index in 0..<fields.count {
      switch fields[index].id {
      case .referer: referer = referer ?? fields[index].value
      case .userAgent: userAgent = userAgent ?? fields[index].value
      default: break
      }
    }
  }
}

/// A message that was no request, as a line of the access log shows it.
struct LoggedRefusal {
  var peer: Peer
  /// Of the answer, and the bytes of its body.
  var status: UInt16
  var bodyBytes: UInt64
  var tookUs: UInt64

  /// What was wrong.
  var note: StaticString { status == 408 ? "client-gone" : "bad-request" }
}

/// When a line is written, by the wall clock, in UTC.
struct LogTime {
  /// The second that `text` shows.
  private var second: UInt64?
  private(set) var text = ShortText([])
  private(set) var milliseconds: UInt64 = 0
  private let pattern: String

  /// - Parameter pattern: for `strftime`.
  init(pattern: String) {
    self.pattern = pattern
  }

  /// - Parameter now: milliseconds since 1970.
  mutating func set(_ now: UInt64) {
    milliseconds = now % 1000
    if second == now / 1000 { return }
    second = now / 1000
    var time = time_t(clamping: now / 1000)
    var parts = unsafe tm()
    unsafe gmtime_r(&time, &parts)
    var buffer = [CChar](repeating: 0, count: 64)
    let count = unsafe strftime(&buffer, buffer.count, pattern, &parts)
    text = ShortText(buffer.prefix(count).map(UInt8.init(bitPattern:)))
  }
}

extension ByteWriter {
  /// Appends a time in seconds with three decimal places, the rest cut off.
  mutating func append(secondsOf microseconds: UInt64) {
    append(decimal: microseconds / 1_000_000)
    append(0x2E)
    append(decimal: microseconds / 1_000, digits: 3)
  }

  /// Appends a time in seconds with six decimal places.
  mutating func append(exactSecondsOf microseconds: UInt64) {
    append(decimal: microseconds / 1_000_000)
    append(0x2E)
    append(decimal: microseconds, digits: 6)
  }
}
