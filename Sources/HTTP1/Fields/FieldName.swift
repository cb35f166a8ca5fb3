/// A field name that a proxy acts on, found in any case while a head is parsed.
public enum FieldName: UInt8, Sendable {
  /// Any name not listed here.
  case other
  case connection
  case keepAlive
  case proxyConnection
  case proxyAuthenticate
  case proxyAuthorization
  case te
  case trailer
  case transferEncoding
  case upgrade
  case contentLength
  case contentType
  case host
  case expect
  case via
  case forwarded
  case maxForwards
  case xForwardedFor
  case xForwardedProto
  case xForwardedHost
  /// X-Real-IP, and names that begin with `X-Forwarded-` and have no case of their own.
  case otherForwarding
  /// A forwarding name with `_` in the place of a `-`. Gateways that make variables of fields (CGI, and what is modelled
  /// on it) take it for the real one.
  case disguisedForwarding
  case location
  case contentLocation
  case userAgent
  case referer
  case date
  case server
  case vary
  case secFetchDest
  case cookie
  case setCookie

  /// Whether a field of this name is about one connection only, whatever `Connection` says (RFC 9110, 7.6.1).
  ///
  /// Proxy-Authenticate and Proxy-Authorization are left end-to-end, as other reverse proxies have them.
  public var isHopByHop: Bool {
    switch self {
    case .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade: true
    default: false
    }
  }

  /// The known name in `range`, which holds token bytes only.
  @inline(__always)
  static func find(_ bytes: RawSpan, _ range: ByteRange) -> FieldName {
    let name = findExact(bytes, range)
    guard name == .other, bytes.byte(at: range.lower) | 0x20 == UInt8(ascii: "x"), range.count >= 9 else {
      return name
    }
    return findForwarding(bytes, range)
  }

  private static func findForwarding(_ bytes: RawSpan, _ range: ByteRange) -> FieldName {
    let isReal = range.count == 9 && begins(bytes, range, with: "x-real-ip")
    guard isReal || (range.count > 12 && begins(bytes, range, with: "x-forwarded-")) else { return .other }
    let hasUnderscore = (range.lower..<range.upper).contains { bytes.byte(at: $0) == UInt8(ascii: "_") }
    return hasUnderscore ? .disguisedForwarding : .otherForwarding
  }

  /// Whether a name begins with `literal`, in any case, and with `_` for `-`.
  private static func begins(_ bytes: RawSpan, _ range: ByteRange, with literal: StaticString) -> Bool {
    literal.withUTF8Buffer { letters in
      letters.indices.allSatisfy { index in
        let byte = bytes.byte(at: range.lower + index)
        return unsafe (byte == UInt8(ascii: "_") ? UInt8(ascii: "-") : byte | 0x20) == letters[index]
      }
    }
  }

  @inline(__always)
  private static func findExact(_ bytes: RawSpan, _ range: ByteRange) -> FieldName {
    switch range.count {
    case 2: bytes.equals(range, ignoringCase: "te") ? .te : .other
    case 3: bytes.equals(range, ignoringCase: "via") ? .via : .other
    case 4:
      if bytes.equals(range, ignoringCase: "host") {
        .host
      } else if bytes.equals(range, ignoringCase: "date") {
        .date
      } else {
        bytes.equals(range, ignoringCase: "vary") ? .vary : .other
      }
    case 6:
      if bytes.equals(range, ignoringCase: "cookie") {
        .cookie
      } else if bytes.equals(range, ignoringCase: "expect") {
        .expect
      } else {
        bytes.equals(range, ignoringCase: "server") ? .server : .other
      }
    case 7:
      if bytes.equals(range, ignoringCase: "referer") {
        .referer
      } else if bytes.equals(range, ignoringCase: "upgrade") {
        .upgrade
      } else {
        bytes.equals(range, ignoringCase: "trailer") ? .trailer : .other
      }
    case 8: bytes.equals(range, ignoringCase: "location") ? .location : .other
    case 9: bytes.equals(range, ignoringCase: "forwarded") ? .forwarded : .other
    case 10:
      if bytes.equals(range, ignoringCase: "connection") {
        .connection
      } else if bytes.equals(range, ignoringCase: "user-agent") {
        .userAgent
      } else if bytes.equals(range, ignoringCase: "set-cookie") {
        .setCookie
      } else {
        bytes.equals(range, ignoringCase: "keep-alive") ? .keepAlive : .other
      }
    case 12:
      if bytes.equals(range, ignoringCase: "content-type") {
        .contentType
      } else {
        bytes.equals(range, ignoringCase: "max-forwards") ? .maxForwards : .other
      }
    case 14:
      if bytes.equals(range, ignoringCase: "content-length") {
        .contentLength
      } else {
        bytes.equals(range, ignoringCase: "sec-fetch-dest") ? .secFetchDest : .other
      }
    case 15: bytes.equals(range, ignoringCase: "x-forwarded-for") ? .xForwardedFor : .other
    case 16:
      if bytes.equals(range, ignoringCase: "x-forwarded-host") {
        .xForwardedHost
      } else if bytes.equals(range, ignoringCase: "content-location") {
        .contentLocation
      } else {
        bytes.equals(range, ignoringCase: "proxy-connection") ? .proxyConnection : .other
      }
    case 17:
      if bytes.equals(range, ignoringCase: "transfer-encoding") {
        .transferEncoding
      } else {
        bytes.equals(range, ignoringCase: "x-forwarded-proto") ? .xForwardedProto : .other
      }
    case 18: bytes.equals(range, ignoringCase: "proxy-authenticate") ? .proxyAuthenticate : .other
    case 19: bytes.equals(range, ignoringCase: "proxy-authorization") ? .proxyAuthorization : .other
    default: .other
    }
  }
}
