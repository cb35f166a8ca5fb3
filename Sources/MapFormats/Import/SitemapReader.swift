import CExpat

/// Reads a sitemap, or an index of sitemaps, as it streams in.
///
/// A document type declaration is refused, and with it every entity that could be blown up. What other namespaces add
/// lies deeper than the addresses that count, or has other names.
@safe
final class SitemapReader {
  /// An address in the file.
  struct Location {
    let bytes: [UInt8]
    let line: Int
    /// It is that of a sitemap, in an index.
    let isSitemap: Bool
  }

  /// Why the file is not read any further.
  struct Failure: Error {
    let line: Int
    let reason: String
  }

  /// Elements in elements.
  private static let deepest = 32
  /// Longer than any key.
  private static let longestLocation = 40_000

  private let parser: XML_Parser
  private var path: [Element] = []
  private var text: [UInt8]?
  private var found: [Location] = []
  private var refusal: String?
  /// Why nothing behind what was given out is read.
  private(set) var failure: Failure?

  private enum Element {
    case urlset, sitemapindex, url, sitemap, location, other

    init(_ name: UnsafePointer<XML_Char>, inside parent: Element?) {
      let name = unsafe String(cString: name)
      let local = name.split(separator: ":", maxSplits: 1).last ?? ""
      switch (parent, local) {
      case (nil, "urlset"): self = .urlset
      case (nil, "sitemapindex"): self = .sitemapindex
      case (.urlset, "url"): self = .url
      case (.sitemapindex, "sitemap"): self = .sitemap
      case (.url, "loc"), (.sitemap, "loc"): self = .location
      default: self = .other
      }
    }
  }

  init() throws(Failure) {
    guard let parser = unsafe XML_ParserCreate(nil) else {
      throw Failure(line: 0, reason: "expat has no memory")
    }
    unsafe self.parser = parser
    // The parser lives in this object and calls back only while `take` runs.
    unsafe XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
    unsafe XML_SetElementHandler(
      parser, { data, name, _ in unsafe SitemapReader.of(data).begin(name) },
      { data, _ in unsafe SitemapReader.of(data).end() })
    unsafe XML_SetCharacterDataHandler(parser) { data, bytes, count in
      unsafe SitemapReader.of(data).append(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }
    unsafe XML_SetStartDoctypeDeclHandler(parser) { data, _, _, _, _ in
      unsafe SitemapReader.of(data).refuse("it has a document type declaration, which no sitemap has")
    }
  }

  deinit {
    unsafe XML_ParserFree(parser)
  }

  private static func of(_ data: UnsafeMutableRawPointer?) -> SitemapReader {
    guard let data = unsafe data else { preconditionFailure("expat lost the reader that it was given") }
    return unsafe Unmanaged<SitemapReader>.fromOpaque(data).takeUnretainedValue()
  }

  /// The addresses that end in `piece`; see then whether there is a `failure`. With `isFinal` there is no more of the
  /// file.
  func take(_ piece: [UInt8], isFinal: Bool) -> [Location] {
    found.removeAll(keepingCapacity: true)
    let status = unsafe piece.withUnsafeBytes { bytes in
      unsafe XML_Parse(
        parser, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: bytes.count),
        isFinal ? 1 : 0)
    }
    if status != XML_STATUS_OK {
      let words = unsafe XML_ErrorString(XML_GetErrorCode(parser)).map { unsafe String(cString: $0) }
      failure = Failure(line: line, reason: refusal ?? "it is no XML: \(words ?? "not well-formed")")
    }
    return found
  }

  private var line: Int { Int(clamping: unsafe XML_GetCurrentLineNumber(parser)) }

  // MARK: What expat tells

  private func begin(_ name: UnsafePointer<XML_Char>?) {
    guard refusal == nil, let name = unsafe name else { return }
    guard path.count < Self.deepest else { return refuse("its elements lie more than \(Self.deepest) deep") }
    let element = unsafe Element(name, inside: path.last)
    if path.isEmpty, element != .urlset, element != .sitemapindex {
      return refuse("it is neither a sitemap nor an index of sitemaps")
    }
    path.append(element)
    text = element == .location ? [] : nil
  }

  private func end() {
    guard refusal == nil, let element = path.popLast() else { return }
    if element == .location, let bytes = text.take() {
      found.append(Location(bytes: bytes, line: line, isSitemap: path.last == .sitemap))
    }
  }

  private func append(_ bytes: UnsafeBufferPointer<XML_Char>) {
    guard refusal == nil, text != nil else { return }
    unsafe text?.append(contentsOf: UnsafeRawBufferPointer(bytes))
    if let text, text.count > Self.longestLocation { refuse("an address is longer than any URL") }
  }

  private func refuse(_ reason: String) {
    guard refusal == nil else { return }
    refusal = reason
    unsafe XML_StopParser(parser, 0)
  }
}
