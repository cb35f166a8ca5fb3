/// A URL as an operator writes it: a path as in `/a?b=c`, an absolute URL, or a URL without its scheme as keys with hosts
/// are, `www.example.com/a`.
struct RequestedURL: Equatable {
  /// As `Host` would have it; empty when only a path was given.
  let host: [UInt8]
  /// The request's target, path and query, encoded as a browser would send it.
  let target: [UInt8]

  init(parsing text: String) throws(BadValue) {
    // A browser keeps the fragment to itself.
    let whole = text.prefix { $0 != "#" }
    if whole.hasPrefix("/") {
      host = []
      target = try Self.encoded(whole)
      return
    }
    let rest = try Self.withoutScheme(whole)
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    let path = rest[authority.endIndex...]
    guard !authority.isEmpty,
      authority.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "@") })
    else { throw Self.malformed }
    host = Array(authority.utf8)
    target = try Self.encoded(path.hasPrefix("/") ? path : "/" + path)
  }

  private static let malformed = BadValue(
    "write a path, as in /a.html, or a URL, as in https://www.example.com/a.html")

  private static func withoutScheme(_ text: Substring) throws(BadValue) -> Substring {
    guard let end = text.firstRange(of: "://") else {
      // `www.example.com/a`, but not a slip such as `a.html`.
      guard text.contains("/") else { throw malformed }
      return text
    }
    guard ["http", "https"].contains(text[..<end.lowerBound].lowercased()) else { throw malformed }
    return text[end.upperBound...]
  }

  /// With percent-encodings for what no request target holds as it is.
  private static func encoded(_ text: Substring) throws(BadValue) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case 0x21...0x7E: bytes.append(byte)
      case 0x20, 0x80...: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
      default: throw BadValue("a URL holds no control characters")
      }
    }
    return bytes
  }
}
