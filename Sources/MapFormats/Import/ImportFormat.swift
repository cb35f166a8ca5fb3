/// What URLs are imported from. The raw values are the names that the command line uses.
public enum ImportFormat: String, CaseIterable, Sendable {
  /// A map file of HAProxy: a URL, blanks, a value, which does not matter.
  case haproxy
  /// One URL or path a line.
  case list
  /// A sitemap of sitemaps.org, or an index of sitemaps that lie beside it.
  case sitemap
  /// An access log in combined or common format: what the old server answered with 200, 206 or 304.
  case accessLog = "access-log"

  /// What a file that begins so seems to be: XML, a log line, a line of a map; else a list.
  static func detect(_ start: [UInt8]) -> ImportFormat {
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    let span = unsafe start.span.bytes
    var lineStart = span.hasPrefix("\u{FEFF}") ? 3 : 0
    while lineStart < span.byteCount {
      let lineEnd = span.firstOffset(of: UInt8(ascii: "\n"), from: lineStart) ?? span.byteCount
      let whole = span.extracting(lineStart..<lineEnd)
      let line = whole.extracting(whole.trimmedRange)
      lineStart = lineEnd + 1
      if line.byteCount == 0 || line.byte(at: 0) == UInt8(ascii: "#") { continue }
      if line.byte(at: 0) == UInt8(ascii: "<") { return .sitemap }
      if AccessLogLine.looksLikeOne(line) { return .accessLog }
      return line.firstBlank == nil ? .list : .haproxy
    }
    return .list
  }
}

extension RawSpan {
  /// What is left without the blanks, tabs and line ends on both sides.
  var trimmedRange: Range<Int> {
    var start = 0
    var end = byteCount
    while start < end, byte(at: start).isBlank { start += 1 }
    while end > start, byte(at: end - 1).isBlank { end -= 1 }
    return start..<end
  }

  var firstBlank: Int? {
    for offset in 0..<byteCount where byte(at: offset).isBlank { return offset }
    return nil
  }
}

extension UInt8 {
  var isBlank: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }

  /// The value of a hexadecimal digit.
  var hexadecimalValue: UInt8? {
    if isDigit { return self - UInt8(ascii: "0") }
    let letter = lowercased
    return (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(letter) ? letter - UInt8(ascii: "a") + 10 : nil
  }
}
