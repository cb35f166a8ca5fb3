/// Why a flag's value is refused: what would be right instead.
struct BadValue: Error, Equatable, CustomStringConvertible {
  let description: String

  init(_ sentence: String) {
    description = sentence
  }
}

/// A length of time as flags write it: `500ms`, `10s`, `5m`, `24h`, `30d`.
struct DurationArgument: Hashable, Comparable, Sendable, CustomStringConvertible {
  let milliseconds: Int64

  static func milliseconds(_ count: Int64) -> Self { Self(milliseconds: count) }
  static func seconds(_ count: Int64) -> Self { Self(milliseconds: count * 1000) }
  static func minutes(_ count: Int64) -> Self { seconds(count * 60) }
  static func hours(_ count: Int64) -> Self { minutes(count * 60) }
  static func days(_ count: Int64) -> Self { hours(count * 24) }

  private init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  /// - Throws: ``BadValue`` for anything but digits and a unit; `0` needs no unit.
  init(parsing text: String) throws(BadValue) {
    let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    let unit = text.dropFirst(digits.count)
    guard let count = Int64(String(Substring(digits))) else { throw Self.malformed }
    let millisecondsPerUnit: Int64
    switch unit {
    case "ms": millisecondsPerUnit = 1
    case "s": millisecondsPerUnit = 1000
    case "m": millisecondsPerUnit = 60_000
    case "h": millisecondsPerUnit = 3_600_000
    case "d": millisecondsPerUnit = 86_400_000
    case "" where count == 0: millisecondsPerUnit = 1
    default: throw Self.malformed
    }
    let (total, overflow) = count.multipliedReportingOverflow(by: millisecondsPerUnit)
    if overflow { throw Self.malformed }
    milliseconds = total
  }

  private static let malformed = BadValue("write a whole number and a unit, as in 500ms, 10s, 5m or 24h")

  /// Parses what lies in `lowest...highest`, for an option's `transform`.
  static func from(_ lowest: Self, to highest: Self) -> @Sendable (String) throws -> Self {
    { text in
      let value = try Self(parsing: text)
      guard lowest <= value, value <= highest else {
        throw BadValue("give a time from \(lowest) to \(highest)")
      }
      return value
    }
  }

  var duration: Duration { .milliseconds(milliseconds) }

  static func < (one: Self, other: Self) -> Bool { one.milliseconds < other.milliseconds }

  /// As a flag would write it, in the largest unit that leaves a whole number; a minute is `60s`.
  var description: String {
    if milliseconds == 0 { return "0s" }
    if milliseconds.isMultiple(of: 3_600_000) { return "\(milliseconds / 3_600_000)h" }
    if milliseconds.isMultiple(of: 60_000), milliseconds != 60_000 { return "\(milliseconds / 60_000)m" }
    if milliseconds.isMultiple(of: 1000) { return "\(milliseconds / 1000)s" }
    return "\(milliseconds)ms"
  }
}
