import URLMap

/// A `urlset` of sitemaps.org.
///
/// There is no `lastmod`: it would be when the page was changed, and that is nothing a map knows.
struct Sitemap: EntryFormat {
  /// A sitemap holds at most so many URLs,
  static let mostURLs = 50_000
  /// and so many bytes,
  static let mostBytes = 50 << 20
  /// and of a URL fewer than these.
  static let longestURL = 2047

  private let options: ExportOptions
  private var urls = 0
  private var written = 0
  private var location: [UInt8] = []

  init(_ options: ExportOptions) {
    self.options = options
  }

  mutating func appendHead(to bytes: inout [UInt8]) {
    urls = 0
    let start = bytes.count
    bytes.append(
      """
      <?xml version="1.0" encoding="UTF-8"?>
      <!-- URLs of the old site. Written by relevo map export. For search engines, in robots.txt:
           Sitemap: \(SitemapIndex.base(options) ?? "https://www.example.com")/\(SitemapIndex.name) -->
      <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">

      """)
    written = bytes.count - start
  }

  mutating func append(_ key: RawSpan, _ entry: MapEntry, to bytes: inout [UInt8]) -> EntryOutcome {
    location.removeAll(keepingCapacity: true)
    if let redirect = options.redirect {
      location.append(redirect.base)
      appendURI(key.extracting(options.parts.pathStart(of: key)...))
    } else {
      location.append("https://")
      appendURI(key)
    }
    guard location.count <= Self.longestURL else { return .leftOut }
    let start = bytes.count
    bytes.append("<url><loc>")
    for byte in location {
      switch byte {
      case UInt8(ascii: "&"): bytes.append("&amp;")
      case UInt8(ascii: "'"): bytes.append("&apos;")
      default: bytes.append(byte)
      }
    }
    bytes.append("</loc></url>\n")
    let length = bytes.count - start
    guard urls < Self.mostURLs, written + length + Self.foot.utf8.count <= Self.mostBytes else {
      bytes.removeSubrange(start...)
      return .full
    }
    urls += 1
    written += length
    return .written
  }

  private static let foot = "</urlset>\n"

  func appendFoot(to bytes: inout [UInt8]) {
    bytes.append(Self.foot)
  }

  /// Appends what a URI may hold as it is, and the rest percent-encoded. Neither quotes nor angle brackets are left.
  private mutating func appendURI(_ key: RawSpan) {
    for offset in 0..<key.byteCount {
      let byte = key.byte(at: offset)
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"), UInt8(ascii: "^"),
        UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"):
        location.append(UInt8(ascii: "%"))
        location.append(Self.hexDigits[Int(byte >> 4)])
        location.append(Self.hexDigits[Int(byte & 15)])
      default: location.append(byte)
      }
    }
  }

  private static let hexDigits = Array("0123456789ABCDEF".utf8)
}

/// The index of several sitemaps.
enum SitemapIndex {
  static let name = "sitemap.xml"

  static func partName(_ number: Int) -> String { "sitemap-\(number).xml" }

  /// Where the sitemaps are said to lie.
  static func base(_ options: ExportOptions) -> String? { options.redirect?.base }

  static func document(parts: Int, base: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(
      """
      <?xml version="1.0" encoding="UTF-8"?>
      <!-- Written by relevo map export. For search engines, in robots.txt:
           Sitemap: \(base)/\(name) -->
      <sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">

      """)
    for number in 1...max(1, parts) {
      bytes.append("<sitemap><loc>\(base)/\(partName(number))</loc></sitemap>\n")
    }
    bytes.append("</sitemapindex>\n")
    return bytes
  }
}
