/// A time in seconds since 1970, as the tools write it: ISO 8601 in UTC, `2026-11-23T23:25:54Z`.
public struct Timestamp: Equatable, Sendable, CustomStringConvertible {
  public let seconds: UInt32

  public init(_ seconds: UInt32) {
    self.seconds = seconds
  }

  public var description: String {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The day alone: `2026-11-23`.
  public var date: String { String(description.prefix(10)) }

  /// Appends the twenty bytes of `description`.
  public func append(to bytes: inout [UInt8]) {
    let (year, month, day) = CivilDate.date(ofDay: Int(seconds / CivilDate.secondsPerDay))
    let second = Int(seconds % CivilDate.secondsPerDay)
    let zero = UInt8(ascii: "0")
    func appendPair(_ number: Int, behind mark: UInt8? = nil) {
      if let mark { bytes.append(mark) }
      bytes.append(zero + UInt8(truncatingIfNeeded: number / 10))
      bytes.append(zero + UInt8(truncatingIfNeeded: number % 10))
    }
    appendPair(year / 100)
    appendPair(year % 100)
    appendPair(month, behind: UInt8(ascii: "-"))
    appendPair(day, behind: UInt8(ascii: "-"))
    appendPair(second / 3600, behind: UInt8(ascii: "T"))
    appendPair(second % 3600 / 60, behind: UInt8(ascii: ":"))
    appendPair(second % 60, behind: UInt8(ascii: ":"))
    bytes.append(UInt8(ascii: "Z"))
  }
}

/// Days since 1970-01-01 and dates of the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of one: a month's first day is then
/// (153 · month + 2) / 5 days into the year, and 400 years have 146,097 days.
enum CivilDate {
  static let secondsPerDay: UInt32 = 86_400
  /// From 0000-03-01 to 1970-01-01.
  private static let daysBefore1970 = 719_468
  private static let daysPerEra = 146_097

  /// - Parameter day: not negative.
  static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
    let days = day + daysBefore1970
    let era = days / daysPerEra
    let dayOfEra = days % daysPerEra
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }

  /// - Parameters:
  ///   - year: 1 or later.
  ///   - month: 1 to 12.
  ///   - day: 1 to 31; past the month's end it counts into the next.
  static func days(year: Int, month: Int, day: Int) -> Int {
    let yearFromMarch = month <= 2 ? year - 1 : year
    let monthFromMarch = month <= 2 ? month + 9 : month - 3
    let yearOfEra = yearFromMarch % 400
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return yearFromMarch / 400 * daysPerEra + dayOfEra - daysBefore1970
  }
}
