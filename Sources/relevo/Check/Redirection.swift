import HTTP1

/// Where a Location or a link leads to, in its parts.
struct Redirection {
  let scheme: String?
  let authority: String?
  /// Path and query, without dots.
  let target: String

  /// - Parameter page: path and query of the page that it stands in.
  init(_ location: String, from page: String) {
    let (bytes, base) = (Array(location.utf8), Array(page.utf8))
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    let reference = unsafe URIReference.split(bytes.span.bytes)
    let target = unsafe URIReference.target(of: bytes.span.bytes, from: base.span.bytes)
    func text(_ range: ByteRange) -> String {
      String(decoding: bytes[range.lower..<range.upper], as: UTF8.self)
    }
    scheme = reference.scheme.map(text)?.lowercased()
    authority = reference.authority.map(text)
    self.target = String(decoding: target, as: UTF8.self)
  }

  var path: String { String(target.prefix { $0 != "?" }) }
}
