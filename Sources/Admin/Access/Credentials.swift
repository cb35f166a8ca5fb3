/// A name and a password as a client gives them (RFC 7617).
struct Credentials: Sendable, Equatable {
  let name: [UInt8]
  let password: [UInt8]

  init(name: [UInt8], password: [UInt8]) {
    self.name = name
    self.password = password
  }

  /// - Parameter basic: what follows the scheme: base64 of name, colon, password. Nil when it is not that.
  init?(basic: Substring) {
    guard let bytes = Self.base64(basic.utf8), let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
      return nil
    }
    self.init(name: Array(bytes[..<colon]), password: Array(bytes[(colon + 1)...]))
  }

  private static func base64(_ text: Substring.UTF8View) -> [UInt8]? {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    guard text.count.isMultiple(of: 4) else { return nil }
    let digits = Array(text)
    let padding = digits.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    guard padding <= 2 else { return nil }
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    for (index, digit) in digits.dropLast(padding).enumerated() {
      guard let value = alphabet.firstIndex(of: digit) else { return nil }
      bits = bits << 6 | UInt32(value)
      if index % 4 > 0 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(6 - index % 4 * 2))) }
    }
    return bytes
  }
}
