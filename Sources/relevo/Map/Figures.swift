/// Numbers as a reader takes them in.
enum Figures {
  /// With a comma between thousands: `1,234,567`.
  static func count(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// A count and its noun: `1 URL`, `2 URLs`.
  static func count(_ number: Int, _ noun: String) -> String {
    "\(count(number)) \(noun)\(number == 1 ? "" : "s")"
  }

  /// In powers of 1,000: `912 bytes`, `48.6 kB`, `640 MB`.
  static func bytes(_ number: Int) -> String {
    if number < 1000 { return count(number, "byte") }
    var value = Double(number)
    for unit in ["kB", "MB", "GB"] {
      value /= 1000
      if value < 999.5 || unit == "GB" { return "\(value < 99.95 ? tenths(value) : whole(value)) \(unit)" }
    }
    return whole(value)
  }

  /// A part of a whole: `0 %`, `<0.1 %`, `3.4 %`, `43 %`. Only the whole is `100 %`.
  static func share(_ part: Int, of all: Int) -> String {
    guard part > 0, all > 0 else { return "0 %" }
    if part >= all { return "100 %" }
    let percent = Double(part) * 100 / Double(all)
    if percent < 0.1 { return "<0.1 %" }
    if percent < 9.95 { return "\(tenths(percent)) %" }
    return "\(min(99, Int(percent.rounded()))) %"
  }

  /// A length of time in its largest whole unit: `moments`, `5 minutes`, `3 days`.
  static func age(seconds: Int) -> String {
    switch seconds {
    case ..<2: "moments"
    case ..<120: "\(seconds) seconds"
    case ..<7200: "\(seconds / 60) minutes"
    case ..<172_800: "\(seconds / 3600) hours"
    default: count(seconds / 86_400, "day")
    }
  }

  /// With one digit behind the point.
  static func tenths(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  private static func whole(_ value: Double) -> String { String(Int(value.rounded())) }
}
