import URLMap

/// A map file of HAProxy: the key, a space, the value.
///
/// HAProxy reads a line into a buffer of `tune.bufsize`, 16,384 bytes by default, and takes what does not fit for
/// another line; a request with such a URL it refuses anyway.
struct HAProxyMap: EntryFormat {
  private let options: ExportOptions
  private let line: MapLine
  private var leftOut = 0

  static let longestLine = 16_383

  init(_ options: ExportOptions) {
    self.options = options
    line = MapLine(options: options, longest: Self.longestLine)
  }

  let needsSurvey = true

  mutating func survey(_ key: RawSpan) {
    if !line.fits(key) { leftOut += 1 }
  }

  func appendHead(to bytes: inout [UInt8]) {
    var lines = [HeadComment.title(options, for: "HAProxy"), "In the frontend:"]
    lines += directives.map { "  \($0)" }
    lines += HeadComment.spelling
    lines += HeadComment.leftOut(leftOut, "too long for HAProxy's buffer of 16384 bytes")
    bytes.appendComment(lines)
  }

  private var directives: [String] {
    let file = options.fileInDirectives
    let path = options.parts.haveQuery ? "pathq" : "path"
    var lines: [String] = []
    var key = path
    if options.parts.haveHost {
      lines.append("http-request set-var(txn.relevo_path) \(path)")
      key = "req.hdr(host),host_only,lower,concat(,txn.relevo_path)"
    }
    guard let redirect = options.redirect else {
      return lines + ["use_backend old if { \(key),map_str(\(file)) -m found }"]
    }
    lines.append("http-request set-var(txn.relevo) \(key),map_str(\(file))")
    let status = redirect.status.rawValue
    if !options.parts.haveQuery {
      lines.append(
        "http-request redirect location \"%[var(txn.relevo)]?%[query]\" code \(status) "
          + "if { var(txn.relevo) -m found } { query -m found }")
    }
    return lines + [
      "http-request redirect location %[var(txn.relevo)] code \(status) if { var(txn.relevo) -m found }"
    ]
  }

  func append(_ key: RawSpan, _ entry: MapEntry, to bytes: inout [UInt8]) -> EntryOutcome {
    line.append(key, to: &bytes)
  }
}
