/// A request method (RFC 9110, 9; PATCH: RFC 5789). Names are case-sensitive.
public enum Method: UInt8, Sendable {
  case get, head, post, put, delete, options, trace, connect, patch
  /// Any other name; it is passed on as sent.
  case other

  /// Whether the client asks for no change (RFC 9110, 9.2.1).
  public var isSafe: Bool {
    switch self {
    case .get, .head, .options, .trace: true
    case .post, .put, .delete, .connect, .patch, .other: false
    }
  }

  /// Whether the request may be sent again when its first attempt was lost (RFC 9110, 9.2.2).
  public var isIdempotent: Bool {
    switch self {
    case .get, .head, .options, .trace, .put, .delete: true
    case .post, .connect, .patch, .other: false
    }
  }

  static func find(_ bytes: RawSpan, _ range: ByteRange) -> Method {
    let offset = range.lower
    switch range.count {
    case 3:
      if bytes.has("GET", at: offset) { return .get }
      return bytes.has("PUT", at: offset) ? .put : .other
    case 4:
      if bytes.has("POST", at: offset) { return .post }
      return bytes.has("HEAD", at: offset) ? .head : .other
    case 5:
      if bytes.has("PATCH", at: offset) { return .patch }
      return bytes.has("TRACE", at: offset) ? .trace : .other
    case 6: return bytes.has("DELETE", at: offset) ? .delete : .other
    case 7:
      if bytes.has("OPTIONS", at: offset) { return .options }
      return bytes.has("CONNECT", at: offset) ? .connect : .other
    default: return .other
    }
  }
}
