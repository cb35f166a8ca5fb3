/// How the ids of servers look that no `id=` names: some digits of a hash, or `id=` and these where it names several.
///
///     3f09c1     web-3f09c1
enum OriginID {
  static let derivedDigits = 6

  /// The digits of a hash.
  static func digits(of hash: UInt64) -> String {
    String((String(repeating: "0", count: derivedDigits) + String(hash, radix: 16)).suffix(derivedDigits))
  }

  /// Whether bytes may be an id with such digits, though no server may have it now.
  static func isDerived(_ bytes: some RandomAccessCollection<UInt8>) -> Bool {
    let digits = bytes.suffix(derivedDigits)
    let name = bytes.dropLast(derivedDigits)
    return digits.count == derivedDigits && digits.allSatisfy(isDigit)
      && (name.isEmpty || name.last == UInt8(ascii: "-")) && name.allSatisfy(isByte)
  }

  /// One of the bytes of an ``OriginOptions/id``.
  static func isByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
    default: false
    }
  }
}
