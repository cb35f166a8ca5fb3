/// A time in seconds since 1970, as the tools write it: ISO 8601 in UTC, `2026-11-23T23:25:54Z`.
struct Timestamp: Equatable, CustomStringConvertible {
  let seconds: UInt32

  init(_ seconds: UInt32) {
    self.seconds = seconds
  }

  private static let secondsPerDay: UInt32 = 86_400

  var description: String { "\(date)T\(Self.padded(hour)):\(Self.padded(minute)):\(Self.padded(second))Z" }

  /// The day alone: `2026-11-23`.
  var date: String {
    let (year, month, day) = civilDate
    return "\(year)-\(Self.padded(month))-\(Self.padded(day))"
  }

  private var hour: UInt32 { seconds % Self.secondsPerDay / 3600 }
  private var minute: UInt32 { seconds % 3600 / 60 }
  private var second: UInt32 { seconds % 60 }

  /// The Gregorian date. Years are counted from March, so that the leap day is the last of one: a month's first day is
  /// then (153 · month + 2) / 5 days into the year, and 400 years have 146,097 days.
  private var civilDate: (year: UInt32, month: UInt32, day: UInt32) {
    // From 0000-03-01 to 1970-01-01.
    let days = seconds / Self.secondsPerDay + 719_468
    let era = days / 146_097
    let dayOfEra = days % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    return (year, month, day)
  }

  private static func padded(_ number: UInt32) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }
}
