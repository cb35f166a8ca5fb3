import URLMap

/// A table as RFC 4180 has it: a line of names, then a line for each URL.
///
/// A URL begins with a slash or a host, which no spreadsheet takes for a formula.
struct CSVTable: EntryFormat {
  private let options: ExportOptions

  init(_ options: ExportOptions) {
    self.options = options
  }

  func appendHead(to bytes: inout [UInt8]) {
    bytes.append("url,learned,last_used,visits\(options.redirect == nil ? "" : ",target")\r\n")
  }

  func append(_ key: RawSpan, _ entry: MapEntry, to bytes: inout [UInt8]) -> EntryOutcome {
    let start = bytes.count
    bytes.append(key)
    quote(from: start, &bytes)
    bytes.append(UInt8(ascii: ","))
    Timestamp(entry.learnedAt).append(to: &bytes)
    bytes.append(UInt8(ascii: ","))
    Timestamp(entry.lastUsedAt).append(to: &bytes)
    bytes.append(UInt8(ascii: ","))
    Digits.append(entry.hits, to: &bytes)
    if let redirect = options.redirect {
      bytes.append(UInt8(ascii: ","))
      let start = bytes.count
      redirect.append(key, options.parts, to: &bytes)
      quote(from: start, &bytes)
    }
    bytes.append("\r\n")
    return .written
  }

  /// Puts the field that begins at `start` into quotes if it needs them.
  private func quote(from start: Int, _ bytes: inout [UInt8]) {
    let mark = UInt8(ascii: "\"")
    guard bytes[start...].contains(where: { $0 == mark || $0 == UInt8(ascii: ",") }) else { return }
    let field = Array(bytes[start...])
    bytes.removeSubrange(start...)
    bytes.append(mark)
    for byte in field {
      if byte == mark { bytes.append(mark) }
      bytes.append(byte)
    }
    bytes.append(mark)
  }
}
