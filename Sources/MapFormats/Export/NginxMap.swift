import URLMap

/// The lines of nginx's `map` block: the key, the value, a semicolon, both in quotes.
///
/// What nginx does to them:
/// - In quotes, `\` escapes `"` and `\`. A key that begins with `~` would be a regular expression, one that begins with
///   `\` loses it, and `default` and `include` mean something else: a further `\` before such a key is what nginx takes
///   away.
/// - In a value, `$` begins a variable and cannot be escaped. So a URL with `$` is redirected to what was asked.
/// - Keys are compared without regard to case, and two that are the same in this sense are an error. So the first
///   stands for all, and is redirected to what was asked, in the case that it was asked in.
/// - A quoted word is 4,096 bytes at most, with what stands around it.
struct NginxMap: EntryFormat {
  static let longestWord = 4080

  private let options: ExportOptions
  private var sizes = NginxHashSizes()
  private var leftOut = 0
  /// The lower-case spelling of keys that were written and have upper-case letters. In the order of bytes each of them
  /// comes before its lower-case spelling.
  private let folded = FoldedKeys()
  private var lowercase: [UInt8] = []

  init(_ options: ExportOptions) {
    self.options = options
  }

  let needsSurvey = true

  mutating func survey(_ key: RawSpan) {
    guard wordLength(of: key) <= Self.longestWord else {
      leftOut += 1
      return
    }
    sizes.count(keyBytes: key.byteCount)
  }

  func appendHead(to bytes: inout [UInt8]) {
    var lines = [HeadComment.title(options, for: "nginx"), "In http { }, before any other map:"]
    lines += httpDirectives.map { "  \($0)" }
    lines += serverDirectives
    lines += HeadComment.spelling
    lines.append("nginx compares without regard to case: URLs that differ in nothing else stand here once.")
    lines += HeadComment.leftOut(leftOut, "too long for a word of nginx's configuration, 4096 bytes")
    bytes.appendComment(lines)
  }

  private var httpDirectives: [String] {
    var lines = [
      "map_hash_max_size \(sizes.maxSize);",
      "map_hash_bucket_size \(sizes.bucketSize);",
    ]
    if !options.parts.haveQuery {
      lines += [
        "map $request_uri $relevo_path {", #"  "~^(?<relevo_raw_path>[^?]*)" $relevo_raw_path;"#, "}",
      ]
    }
    let key = options.parts.haveHost ? "\"$host\(pathVariable)\"" : pathVariable
    switch options.redirect {
    case nil:
      lines += ["map \(key) $relevo_pool {", "  default new;", "  include \(options.fileInDirectives);", "}"]
    case _?:
      lines += ["map \(key) $relevo_target {", "  include \(options.fileInDirectives);", "}"]
    }
    return lines
  }

  private var serverDirectives: [String] {
    switch options.redirect {
    case nil:
      return [
        "In server { }, with upstream new { } and upstream old { }:",
        "  location / { proxy_pass http://$relevo_pool; }",
      ]
    case let redirect?:
      let query = options.parts.haveQuery ? "" : "$is_args$args"
      return [
        "In server { }:",
        "  if ($relevo_target) { return \(redirect.status.rawValue) $relevo_target\(query); }",
      ]
    }
  }

  /// nginx's name for what was asked, as it was sent.
  private var pathVariable: String { options.parts.haveQuery ? "$request_uri" : "$relevo_path" }

  mutating func append(_ key: RawSpan, _ entry: MapEntry, to bytes: inout [UInt8]) -> EntryOutcome {
    guard wordLength(of: key) <= Self.longestWord else { return .leftOut }
    let hasUppercase = key.contains { $0.isUppercaseLetter }
    if hasUppercase {
      lowercase.removeAll(keepingCapacity: true)
      for offset in 0..<key.byteCount { lowercase.append(key.byte(at: offset).lowercased) }
      // Bytes have no padding, which is what makes a raw view of other elements unsafe.
      guard folded.insert(unsafe lowercase.span.bytes) else { return .covered }
    } else if folded.contains(key) {
      return .covered
    }
    bytes.append(UInt8(ascii: "\""))
    if needsBackslash(key) { bytes.append(#"\\"#) }
    appendEscaped(key, to: &bytes)
    bytes.append("\" ")
    appendValue(key, isOneOfSeveral: hasUppercase, to: &bytes)
    bytes.append(";\n")
    return .written
  }

  private func appendValue(_ key: RawSpan, isOneOfSeveral: Bool, to bytes: inout [UInt8]) {
    guard let redirect = options.redirect else {
      bytes.append("old")
      return
    }
    let path = key.extracting(options.parts.pathStart(of: key)...)
    let length = redirect.base.utf8.count + wordLength(of: path)
    bytes.append("\"\(redirect.base)")
    if isOneOfSeveral || length > Self.longestWord || path.contains(where: { $0 == UInt8(ascii: "$") }) {
      bytes.append(pathVariable)
    } else {
      appendEscaped(path, to: &bytes)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private func needsBackslash(_ key: RawSpan) -> Bool {
    guard key.byteCount > 0 else { return false }
    switch key.byte(at: 0) {
    case UInt8(ascii: "~"), UInt8(ascii: "\\"): return true
    case UInt8(ascii: "/"): return false
    default: return Self.words.contains { key.equals($0) }
    }
  }

  private static let words: [StaticString] = ["default", "include", "hostnames", "volatile"]

  private func isEscaped(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  private func appendEscaped(_ span: RawSpan, to bytes: inout [UInt8]) {
    guard span.contains(where: isEscaped) else { return bytes.append(span) }
    for offset in 0..<span.byteCount {
      let byte = span.byte(at: offset)
      if isEscaped(byte) { bytes.append(UInt8(ascii: "\\")) }
      bytes.append(byte)
    }
  }

  private func wordLength(of span: RawSpan) -> Int {
    var length = span.byteCount + (needsBackslash(span) ? 2 : 0)
    for offset in 0..<span.byteCount where isEscaped(span.byte(at: offset)) { length += 1 }
    return length
  }
}

/// What nginx must be told of a map's size: it builds a hash whose every bucket has to fit into `bucketSize` bytes, and
/// tries numbers of buckets up to `maxSize`.
struct NginxHashSizes {
  private var keys = 0
  private var bytes = 0
  private var longest = 0

  mutating func count(keyBytes: Int) {
    let element = Self.elementBytes(key: keyBytes)
    keys += 1
    bytes += element
    longest = max(longest, element)
  }

  /// A pointer to the value, the key and its length, in words of eight bytes.
  private static func elementBytes(key: Int) -> Int { 8 + (key + 2 + 7) / 8 * 8 }

  /// As many buckets as keys, about one key in each.
  var maxSize: Int {
    var size = 2048
    while size < keys { size *= 2 }
    return size
  }

  /// Room for the longest key and a dozen of the others: with one in each on average, a bucket has hardly ever more. A
  /// bucket ends with an empty pointer; nginx wants whole cache lines, and less than 64 KiB of them.
  var bucketSize: Int {
    let needed = longest + 12 * (keys == 0 ? 0 : bytes / keys) + 8
    return min(max(128, (needed + 63) / 64 * 64), 65_408)
  }
}

/// A set of keys, in as little memory as a map of them.
final class FoldedKeys {
  private let map: URLMap
  private let reader: URLMap.Reader

  init() {
    map = URLMap(URLMap.Configuration(maxURLs: 50_000_000, maxKeyBytes: 32_768))
    reader = map.makeReader()
  }

  /// False when it was there already.
  func insert(_ key: RawSpan) -> Bool {
    guard !contains(key) else { return false }
    while !map.learn(key, at: 0) { map.waitUntilApplied() }
    map.waitUntilApplied()
    return true
  }

  func contains(_ key: RawSpan) -> Bool {
    map.count > 0 && reader.lookup(key, countingHitAt: nil) != nil
  }
}
