import URLMap

/// How one format writes a map: a head, the entries in the order of their keys, a foot.
protocol EntryFormat {
  /// Whether the head depends on the entries: `survey` is then called with each, before anything is written.
  var needsSurvey: Bool { get }

  mutating func survey(_ key: RawSpan)

  mutating func appendHead(to bytes: inout [UInt8])

  mutating func append(_ key: RawSpan, _ entry: MapEntry, to bytes: inout [UInt8]) -> EntryOutcome

  mutating func appendFoot(to bytes: inout [UInt8])
}

/// What became of one entry.
enum EntryOutcome {
  case written
  /// The reader of the format would not find it, or would stumble over it. Nothing was appended.
  case leftOut
  /// A line above stands for it too. Nothing was appended.
  case covered
  /// The file is full, as its format counts. Nothing was appended; the entry belongs into the next file.
  case full
}

extension EntryFormat {
  var needsSurvey: Bool { false }
  mutating func survey(_ key: RawSpan) {}
  mutating func appendFoot(to bytes: inout [UInt8]) {}
}

extension [UInt8] {
  /// Appends lines that begin with `# `, so that the file's reader passes over them.
  mutating func appendComment(_ lines: [String]) {
    for line in lines { append(line.isEmpty ? "#\n" : "# \(line)\n") }
  }
}

/// A line of a map file as HAProxy and Apache read them: the key, a space, `old` or where the key is redirected.
struct MapLine {
  let options: ExportOptions
  /// The bytes that its reader takes, the line's end included.
  let longest: Int

  func fits(_ key: RawSpan) -> Bool {
    let path = key.byteCount - options.parts.pathStart(of: key)
    let value = options.redirect.map { $0.base.utf8.count + path } ?? 3
    return key.byteCount + 1 + value + 1 <= longest
  }

  func append(_ key: RawSpan, to bytes: inout [UInt8]) -> EntryOutcome {
    guard fits(key) else { return .leftOut }
    bytes.append(key)
    bytes.append(UInt8(ascii: " "))
    if let redirect = options.redirect {
      redirect.append(key, options.parts, to: &bytes)
    } else {
      bytes.append("old")
    }
    bytes.append(UInt8(ascii: "\n"))
    return .written
  }
}

/// Sentences that head comments share.
enum HeadComment {
  static func title(_ options: ExportOptions, for server: String) -> String {
    switch options.redirect {
    case nil: "URLs of the old site, for \(server). Written by relevo map export."
    case let redirect?:
      "URLs of the old site and where \(server) redirects them: \(redirect.base). Written by relevo map export."
    }
  }

  /// What no server but Relevo does to a request before it looks it up.
  static let spelling = [
    "The URLs stand here in one spelling: %7E is ~, %c3 is %C3, and parameters that Relevo ignores are left out. A",
    "request that spells its URL in another way is not found.",
  ]

  static func leftOut(_ count: Int, _ reason: String) -> [String] {
    count == 0 ? [] : ["Left out: \(count) \(count == 1 ? "URL" : "URLs") \(reason)."]
  }
}
