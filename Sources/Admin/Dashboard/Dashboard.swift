/// The dashboard: one page that holds its script and its style sheet and asks for nothing from elsewhere.
///
/// It has no data in it; what it shows it asks of the API, with the token that its reader gives it.
public enum Dashboard {
  /// The page, UTF-8.
  public static let page: [UInt8] = {
    Array(
      packed(PackageResources.dashboard_html)
        .replacing("<style></style>", with: "<style>\(style)</style>", maxReplacements: 1)
        .replacing(
          "<script type=\"module\"></script>", with: "<script type=\"module\">\(script)</script>",
          maxReplacements: 1
        ).utf8)
  }()

  /// The `Content-Security-Policy` that belongs to the page: it allows the page's own script and style sheet by their
  /// hashes, questions to where the page came from, and nothing else. Markup made by a script is refused altogether
  /// (Trusted Types), since URLs are anyone's to invent.
  public static let contentSecurityPolicy: String = [
    "default-src 'none'",
    "script-src '\(source(script))'",
    "style-src '\(source(style))'",
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].joined(separator: "; ")

  static let style = packed(PackageResources.dashboard_css)

  /// The parts share one scope: each may use what the ones before it declare, and what all declare once it runs.
  static let script = [
    PackageResources.dom_js, PackageResources.format_js, PackageResources.api_js, PackageResources.theme_js,
    PackageResources.ask_js, PackageResources.chart_js, PackageResources.routes_js,
    PackageResources.headline_js,
    PackageResources.traffic_js, PackageResources.servers_js, PackageResources.urls_js,
    PackageResources.tree_js,
    PackageResources.events_js, PackageResources.main_js,
  ].map(packed).joined(separator: "\n")

  /// Without indentation and without the lines that are comments, which are a fifth of the bytes.
  static func packed(_ source: [UInt8]) -> String {
    var isComment = false
    var lines: [Substring] = []
    for line in String(decoding: source, as: UTF8.self).split(separator: "\n") {
      let text = line.drop { $0 == " " }
      if text.hasPrefix("/*") { isComment = true }
      if !isComment, !text.hasPrefix("//") { lines.append(text) }
      if text.hasSuffix("*/") { isComment = false }
    }
    return lines.joined(separator: "\n")
  }

  private static func source(_ text: String) -> String {
    "sha256-\(SHA256.digest(of: Array(text.utf8)).base64)"
  }
}

extension [UInt8] {
  /// RFC 4648, section 4, with padding.
  fileprivate var base64: String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: count, by: 3) {
      let group = self[start..<Swift.min(start + 3, count)]
      let bits = (0..<3).reduce(UInt32(0)) { $0 << 8 | (start + $1 < count ? UInt32(self[start + $1]) : 0) }
      for position in 0..<4 {
        text.append(
          position <= group.count ? alphabet[Int(bits >> UInt32(18 - 6 * position) & 63)] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
