import URLMap

/// One object with the array `urls`, an entry a line: `jq` reads it whole, `grep` line by line.
struct JSONDocument: EntryFormat {
  private let options: ExportOptions
  private var isFirst = true

  init(_ options: ExportOptions) {
    self.options = options
  }

  func appendHead(to bytes: inout [UInt8]) {
    bytes.append("{\"key\":\"\(options.parts.rawValue)\",\"urls\":[")
  }

  mutating func append(_ key: RawSpan, _ entry: MapEntry, to bytes: inout [UInt8]) -> EntryOutcome {
    bytes.append(isFirst ? "\n{\"url\":\"" : ",\n{\"url\":\"")
    isFirst = false
    appendEscaped(key, to: &bytes)
    bytes.append("\",\"learned\":\"")
    Timestamp(entry.learnedAt).append(to: &bytes)
    bytes.append("\",\"last_used\":\"")
    Timestamp(entry.lastUsedAt).append(to: &bytes)
    bytes.append("\",\"visits\":")
    Digits.append(entry.hits, to: &bytes)
    if let redirect = options.redirect {
      bytes.append(",\"target\":\"\(redirect.base)")
      appendEscaped(key.extracting(options.parts.pathStart(of: key)...), to: &bytes)
      bytes.append(UInt8(ascii: "\""))
    }
    bytes.append(UInt8(ascii: "}"))
    return .written
  }

  func appendFoot(to bytes: inout [UInt8]) {
    bytes.append("\n]}\n")
  }

  /// A key is printable ASCII: only the quote and the backslash need escaping.
  private func appendEscaped(_ key: RawSpan, to bytes: inout [UInt8]) {
    for offset in 0..<key.byteCount {
      let byte = key.byte(at: offset)
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
      bytes.append(byte)
    }
  }
}
