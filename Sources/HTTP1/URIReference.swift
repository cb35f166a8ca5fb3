/// The parts of a URI or of a reference to one, such as the value of Location (RFC 3986, 4.1 and Appendix B).
///
/// The bytes are split, not validated: an authority may hold anything but `/`, `?` and `#`.
public struct URIReference: Sendable, Equatable {
  /// Without its colon; nil when there is none.
  public var scheme: ByteRange?
  /// Without the slashes before it; may be empty; nil when there is none.
  public var authority: ByteRange?
  /// Path, `?` and query as they stand, without the fragment; may be empty.
  public var pathAndQuery: ByteRange
  /// Without its `#`; nil when there is none.
  public var fragment: ByteRange?

  /// Splits `bytes`; the offsets count from their first one. Linear in the bytes; allocates nothing.
  public static func split(_ bytes: RawSpan) -> URIReference {
    let end = bytes.byteCount
    var reference = URIReference(pathAndQuery: .empty)
    var offset = 0
    let schemeEnd = bytes.end(of: .scheme, from: 0, limit: end)
    if schemeEnd > 0, schemeEnd < end, bytes.byte(at: 0).isLetter, bytes.byte(at: schemeEnd) == .colon {
      reference.scheme = ByteRange(lower: 0, upper: schemeEnd)
      offset = schemeEnd + 1
    }
    let hash = bytes.firstOffset(of: .hash, from: offset, limit: end)
    if hash < end { reference.fragment = ByteRange(lower: hash + 1, upper: end) }
    if bytes.has("//", at: offset) {
      let start = offset + 2
      let slash = bytes.firstOffset(of: .slash, from: start, limit: hash)
      offset = bytes.firstOffset(of: .questionMark, from: start, limit: slash)
      reference.authority = ByteRange(lower: start, upper: offset)
    }
    reference.pathAndQuery = ByteRange(lower: offset, upper: hash)
    return reference
  }
}
