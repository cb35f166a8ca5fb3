enum HostName {
  /// Whether a `Host`, perhaps with a port, is a name that every machine has for itself, or a literal address, which no
  /// foreign page can make its own.
  static func isOfThisMachine(_ field: Substring) -> Bool {
    if field.hasPrefix("[") {
      guard let end = field.firstIndex(of: "]") else { return false }
      let rest = field[field.index(after: end)...]
      guard rest.isEmpty || rest.hasPrefix(":") && isPort(rest.dropFirst()) else { return false }
      return field[..<end].dropFirst().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }
    let host = field.prefix { $0 != ":" }
    let port = field[host.endIndex...]
    guard port.isEmpty || isPort(port.dropFirst()) else { return false }
    let name = host.lowercased()
    if name == "localhost" || name.hasSuffix(".localhost") { return true }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { isDigits($0) && UInt8($0) != nil }
  }

  private static func isPort(_ text: Substring) -> Bool { isDigits(text) && UInt16(text) != nil }

  private static func isDigits(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }
}
