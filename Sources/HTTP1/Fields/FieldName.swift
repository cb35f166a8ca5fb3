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
  /// A forwarding name, X-SSL-Client-Subject among them, with `_` in the place of a `-`. Gateways that make variables of fields (CGI, and what is modelled
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
  case strictTransportSecurity
  /// X-SSL-Client-Subject, by which proxies that have checked a client's certificate tell whom it names.
  case clientSubject

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
    if range.count == 20, begins(bytes, range, with: "x-ssl-client-subject") { return .disguisedForwarding }
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

  /// No two known names of one length begin with the same letter: one comparison decides.
  @inline(__always)
  private static func findExact(_ bytes: RawSpan, _ range: ByteRange) -> FieldName {
    guard let (id, text) = candidate(byteCount: range.count, first: bytes.byte(at: range.lower) | 0x20) else {
      return .other
    }
    return bytes.equals(range, ignoringCase: text) ? id : .other
  }

  @inline(__always)
  private static func candidate(byteCount: Int, first: UInt8) -> (FieldName, StaticString)? {
    switch Unicode.Scalar(first) {
    case "c":
      switch byteCount {
      case 6: (.cookie, "cookie")
      case 10: (.connection, "connection")
      case 12: (.contentType, "content-type")
      case 14: (.contentLength, "content-length")
      case 16: (.contentLocation, "content-location")
      default: nil
      }
    case "d": byteCount == 4 ? (.date, "date") : nil
    case "e": byteCount == 6 ? (.expect, "expect") : nil
    case "f": byteCount == 9 ? (.forwarded, "forwarded") : nil
    case "h": byteCount == 4 ? (.host, "host") : nil
    case "k": byteCount == 10 ? (.keepAlive, "keep-alive") : nil
    case "l": byteCount == 8 ? (.location, "location") : nil
    case "m": byteCount == 12 ? (.maxForwards, "max-forwards") : nil
    case "p":
      switch byteCount {
      case 16: (.proxyConnection, "proxy-connection")
      case 18: (.proxyAuthenticate, "proxy-authenticate")
      case 19: (.proxyAuthorization, "proxy-authorization")
      default: nil
      }
    case "r": byteCount == 7 ? (.referer, "referer") : nil
    case "s":
      switch byteCount {
      case 6: (.server, "server")
      case 10: (.setCookie, "set-cookie")
      case 14: (.secFetchDest, "sec-fetch-dest")
      case 25: (.strictTransportSecurity, "strict-transport-security")
      default: nil
      }
    case "t":
      switch byteCount {
      case 2: (.te, "te")
      case 7: (.trailer, "trailer")
      case 17: (.transferEncoding, "transfer-encoding")
      default: nil
      }
    case "u":
      switch byteCount {
      case 7: (.upgrade, "upgrade")
      case 10: (.userAgent, "user-agent")
      default: nil
      }
    case "v":
      switch byteCount {
      case 3: (.via, "via")
      case 4: (.vary, "vary")
      default: nil
      }
    case "x":
      switch byteCount {
      case 15: (.xForwardedFor, "x-forwarded-for")
      case 16: (.xForwardedHost, "x-forwarded-host")
      case 17: (.xForwardedProto, "x-forwarded-proto")
      case 20: (.clientSubject, "x-ssl-client-subject")
      default: nil
      }
    default: nil
    }
  }
}
