/// A number of bytes as flags write it: `64k`, `10m`, `1g` (powers of 1,024), or plain bytes.
struct SizeArgument: Hashable, Comparable, Sendable, CustomStringConvertible {
  let bytes: Int

  static func bytes(_ count: Int) -> Self { Self(bytes: count) }
  static func kibibytes(_ count: Int) -> Self { Self(bytes: count << 10) }
  static func mebibytes(_ count: Int) -> Self { Self(bytes: count << 20) }
  static func gibibytes(_ count: Int) -> Self { Self(bytes: count << 30) }

  private init(bytes: Int) {
    self.bytes = bytes
  }

  /// - Throws: ``BadValue`` for anything but digits and at most one of `k`, `m`, `g`.
  init(parsing text: String) throws(BadValue) {
    let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard let count = Int(String(Substring(digits))) else { throw Self.malformed }
    let bytesPerUnit: Int
    switch text.dropFirst(digits.count) {
    case "": bytesPerUnit = 1
    case "k", "K": bytesPerUnit = 1 << 10
    case "m", "M": bytesPerUnit = 1 << 20
    case "g", "G": bytesPerUnit = 1 << 30
    default: throw Self.malformed
    }
    let (total, overflow) = count.multipliedReportingOverflow(by: bytesPerUnit)
    if overflow { throw Self.malformed }
    bytes = total
  }

  private static let malformed = BadValue(
    "write a whole number of bytes, or with k, m or g, as in 64k or 10m")

  /// Parses what lies in `lowest...highest`, for an option's `transform`.
  static func from(_ lowest: Self, to highest: Self) -> @Sendable (String) throws -> Self {
    { text in
      let value = try Self(parsing: text)
      guard lowest <= value, value <= highest else {
        throw BadValue("give a size from \(lowest) to \(highest)")
      }
      return value
    }
  }

  static func < (one: Self, other: Self) -> Bool { one.bytes < other.bytes }

  /// As a flag would write it, in the largest unit that leaves a whole number.
  var description: String {
    if bytes == 0 { return "0" }
    if bytes.isMultiple(of: 1 << 30) { return "\(bytes >> 30)g" }
    if bytes.isMultiple(of: 1 << 20) { return "\(bytes >> 20)m" }
    if bytes.isMultiple(of: 1 << 10) { return "\(bytes >> 10)k" }
    return "\(bytes)"
  }
}

/// Plain counts.
enum CountArgument {
  /// Parses a whole number that lies in `range`, for an option's `transform`.
  static func within(_ range: ClosedRange<Int>) -> @Sendable (String) throws -> Int {
    { text in
      let isDigits = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard isDigits, let value = Int(text), range.contains(value) else {
        throw BadValue("give a whole number from \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
  }
}
