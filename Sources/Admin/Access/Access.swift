/// Who may use the admin plane.
enum Access: Sendable {
  /// Everybody who reaches it: it listens where only this machine does.
  case open

  /// - Throws: ``Refusal`` when this client may not.
  func check(_ request: AdminRequest) throws(Refusal) {
    switch self {
    case .open: try Self.checkHost(request.host)
    }
  }

  /// A page of another site may have its own name resolve to this machine, and then read what a browser on it gets. Such a
  /// request names that site.
  private static func checkHost(_ host: Substring?) throws(Refusal) {
    guard let host else { return }
    guard HostName.isOfThisMachine(host) else {
      throw .forbidden(
        "the host is neither localhost nor an address: ask for it by http://localhost or http://127.0.0.1, or have "
          + "Relevo ask who its clients are with --admin-token-file")
    }
  }
}

enum HostName {
  /// Whether a `Host`, perhaps with a port, is a name that every machine has for itself, or a literal address, which no
  /// foreign page can make its own.
  static func isOfThisMachine(_ field: Substring) -> Bool {
    let host: Substring
    if field.hasPrefix("[") {
      guard let end = field.firstIndex(of: "]") else { return false }
      let rest = field[field.index(after: end)...]
      guard rest.isEmpty || rest.hasPrefix(":") && isPort(rest.dropFirst()) else { return false }
      return field[..<end].dropFirst().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }
    if let colon = field.firstIndex(of: ":") {
      guard isPort(field[field.index(after: colon)...]) else { return false }
      host = field[..<colon]
    } else {
      host = field
    }
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
