import URLMap

/// A text file for Apache's `RewriteMap`: the key, a space, the value.
///
/// Apache, and `httxt2dbm` like it, reads a line into 1024 bytes and takes what does not fit for another line. So a line
/// is 1024 bytes at most, its end included; a longer URL has no place in such a file.
struct ApacheMap: EntryFormat {
  enum Storage {
    /// Apache reads the file itself, from its beginning for each URL that is new to it.
    case text
    /// `httxt2dbm` makes a database of it.
    case database
  }

  static let longestLine = 1024

  private let options: ExportOptions
  private let line: MapLine
  private let storage: Storage
  private var leftOut = 0

  init(_ options: ExportOptions, storage: Storage) {
    self.options = options
    line = MapLine(options: options, longest: Self.longestLine)
    self.storage = storage
  }

  let needsSurvey = true

  mutating func survey(_ key: RawSpan) {
    if !line.fits(key) { leftOut += 1 }
  }

  func appendHead(to bytes: inout [UInt8]) {
    var lines = [HeadComment.title(options, for: "Apache")]
    let file = options.fileInDirectives
    if storage == .database {
      lines += [
        "First, and after each export (httxt2dbm adds to a database that is there):",
        "  rm -f \(file).dbm",
        "  httxt2dbm -f DB -i \(file) -o \(file).dbm",
      ]
    }
    lines.append(
      options.redirect == nil
        ? "In the virtual host, with mod_rewrite and mod_proxy_http (for http://old.example.com your old server):"
        : "In the virtual host, with mod_rewrite:")
    lines += directives.map { "  \($0)" }
    lines += HeadComment.spelling
    lines += HeadComment.leftOut(leftOut, "too long for Apache's lines of 1024 bytes")
    bytes.appendComment(lines)
  }

  private var directives: [String] {
    let source =
      switch storage {
      case .text: "txt:\(options.fileInDirectives)"
      case .database: "dbm=db:\(options.fileInDirectives).dbm"
      }
    var lines = [
      "AllowEncodedSlashes NoDecode",
      "RewriteEngine on",
      "RewriteMap relevo \"\(source)\"",
    ]
    // Apache decodes what %{REQUEST_URI} has; the request line stands as it was sent. What is matched here goes into no
    // rule together with its question mark: Apache 2.4.60 and later answer such a rule with 403.
    let target = "(([^ ?]+)[^ ]*)"
    let key: String
    let path: String
    if options.parts.haveHost {
      lines.append("RewriteMap relevo-lower int:tolower")
      lines.append("RewriteCond \"%{HTTP_HOST} %{THE_REQUEST}\" \"^([^: ]+)[^ ]* [^ ]+ \(target)\"")
      key = "${relevo-lower:%1}" + (options.parts.haveQuery ? "%2" : "%3")
      path = "%3"
    } else {
      lines.append("RewriteCond %{THE_REQUEST} \"^[^ ]+ \(target)\"")
      key = options.parts.haveQuery ? "%1" : "%2"
      path = "%2"
    }
    switch options.redirect {
    case nil:
      lines.append("RewriteCond \"${relevo:\(key)}\" \"=old\"")
      lines.append("RewriteRule ^ \"http://old.example.com\(path)\" [P,NE,L]")
    case let redirect? where options.parts.haveQuery:
      lines.append("RewriteCond \"${relevo:\(key)}\" \"^([^?]+)\\??(.*)$\"")
      lines.append("RewriteRule ^ \"%1?%2\" [R=\(redirect.status.rawValue),NE,L]")
    case let redirect?:
      lines.append("RewriteCond \"${relevo:\(key)}\" \"^(.+)$\"")
      lines.append("RewriteRule ^ \"%1\" [R=\(redirect.status.rawValue),NE,L]")
    }
    return lines
  }

  func append(_ key: RawSpan, _ entry: MapEntry, to bytes: inout [UInt8]) -> EntryOutcome {
    line.append(key, to: &bytes)
  }
}
