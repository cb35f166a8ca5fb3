import URLMap

/// A URL as an operator writes it: a path as in `/a?b=c`, an absolute URL, or a URL without its scheme as keys with hosts
/// are, `www.example.com/a`.
public struct RequestedURL: Sendable, Equatable {
  /// As `Host` would have it; empty when only a path was given.
  public let host: [UInt8]
  /// The request's target, path and query, encoded as a browser would send it.
  public let target: [UInt8]

  /// - Throws: ``BadURL`` with what would be right.
  public init(parsing text: String) throws(BadURL) {
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

  private static let malformed = BadURL(
    "write a path, as in /a.html, or a URL, as in https://www.example.com/a.html")

  private static func withoutScheme(_ text: Substring) throws(BadURL) -> Substring {
    guard let end = text.firstRange(of: "://") else {
      // `www.example.com/a`, but not a slip such as `a.html`.
      guard text.contains("/") else { throw malformed }
      return text
    }
    guard ["http", "https"].contains(text[..<end.lowerBound].lowercased()) else { throw malformed }
    return text[end.upperBound...]
  }

  /// With percent-encodings for what no request target holds as it is.
  static func encoded(_ text: Substring) throws(BadURL) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case 0x21...0x7E: bytes.append(byte)
      case 0x20, 0x80...: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
      default: throw BadURL("a URL holds no control characters")
      }
    }
    return bytes
  }
}

/// Why a URL cannot be used: what would be right instead.
public struct BadURL: Error, Equatable, CustomStringConvertible {
  public let description: String

  public init(_ sentence: String) {
    description = sentence
  }
}

extension KeyScheme {
  /// The key of a request for `url`.
  public func key(of url: RequestedURL) throws(BadURL) -> [UInt8] {
    if parts.haveHost, url.host.isEmpty {
      throw BadURL(
        "the keys of this map have a host: write the URL with it, as in https://www.example.com/a.html")
    }
    guard let key = key(of: url.target, host: url.host) else { throw BadURL("no request has this URL") }
    let longest = URLMap.Configuration().maxKeyBytes
    guard key.count <= longest else { throw BadURL("a URL in the map has at most \(longest) bytes") }
    return key
  }

  /// The key of a URL as an operator wrote it.
  public func key(parsing text: String) throws(BadURL) -> [UInt8] {
    try key(of: RequestedURL(parsing: text))
  }
}
