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

  /// Path and query of what the reference `value` leads to from a page whose path and query are `base`, without `.`
  /// and `..` segments (RFC 3986, 5.2.2 and 5.2.4). Begins with a slash. Linear in the bytes of both.
  public static func target(of value: RawSpan, from base: RawSpan) -> [UInt8] {
    let reference = split(value)
    let (path, query) = pathAndQuery(value, reference.pathAndQuery)
    let (basePath, baseQuery) = pathAndQuery(base, ByteRange(lower: 0, upper: base.byteCount))
    if reference.authority != nil || path.first == .slash { return withoutDots(path) + query }
    if path.isEmpty { return withoutDots(basePath) + (query.isEmpty ? baseQuery : query) }
    let folder = basePath[..<((basePath.lastIndex(of: .slash) ?? -1) + 1)]
    return withoutDots(folder + path) + query
  }

  /// The query begins with its `?`, and is empty without one.
  private static func pathAndQuery(_ bytes: RawSpan, _ range: ByteRange) -> ([UInt8], [UInt8]) {
    let question = bytes.firstOffset(of: .questionMark, from: range.lower, limit: range.upper)
    return (
      (range.lower..<question).map { bytes.byte(at: $0) }, (question..<range.upper).map { bytes.byte(at: $0) }
    )
  }

  private static func withoutDots(_ path: [UInt8]) -> [UInt8] {
    var kept: [ArraySlice<UInt8>] = []
    let parts = path.split(separator: .slash, omittingEmptySubsequences: false)
    let segments = parts.dropFirst(path.first == .slash ? 1 : 0)
    for (index, segment) in zip(segments.indices, segments) {
      if segment.elementsEqual([.dot, .dot]) {
        _ = kept.popLast()
      } else if !segment.elementsEqual([.dot]) {
        kept.append(segment)
        continue
      }
      // Dots at the end name the folder itself.
      if index + 1 == segments.endIndex { kept.append([]) }
    }
    return [.slash] + kept.joined(separator: [.slash])
  }
}
