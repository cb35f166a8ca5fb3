/// A line of an access log in common or combined format, as Apache and nginx write it:
///
/// ```
/// 192.0.2.7 - - [10/Oct/2026:13:55:36 +0200] "GET /page.html HTTP/1.1" 200 2326 "referer" "agent"
/// ```
struct AccessLogLine {
  enum Outcome {
    /// The old server had the page: `target` holds what was asked for, at this time in seconds since 1970.
    case page(at: UInt32)
    /// Another status or method: no page.
    case nothing
    case broken(String)
  }

  /// Reused from line to line.
  private(set) var target: [UInt8] = []

  static func looksLikeOne(_ line: RawSpan) -> Bool {
    guard let start = timeStart(line) else { return false }
    return time(line.extracting(start...)) != nil
  }

  mutating func parse(_ line: RawSpan) -> Outcome {
    guard let timeStart = Self.timeStart(line) else { return .broken("there is no [time]") }
    let rest = line.extracting(timeStart...)
    guard let time = Self.time(rest) else {
      return .broken("the time is not like [10/Oct/2026:13:55:36 +0200]")
    }
    let requestStart = Self.timeBytes + 3
    guard rest.byteCount > requestStart, rest.extracting(Self.timeBytes..<requestStart).equals("] \"") else {
      return .broken("behind the time there is no request in quotes")
    }
    let request = rest.extracting(requestStart...)
    guard let end = closingQuote(request) else { return .broken("the request has no closing quote") }
    guard let status = status(request, behind: end) else {
      return .broken("there is no status behind the request")
    }
    guard [200, 206, 304].contains(status) else { return .nothing }
    return takeTarget(request.extracting(0..<end)) ? .page(at: time) : .nothing
  }

  // MARK: The time

  private static let timeBytes = 26

  private static func timeStart(_ line: RawSpan) -> Int? {
    var offset = 0
    while let bracket = line.firstOffset(of: UInt8(ascii: "["), from: offset) {
      if bracket > 0, line.byte(at: bracket - 1) == UInt8(ascii: " "), bracket + 1 < line.byteCount,
        line.byte(at: bracket + 1).isDigit
      {
        return bracket + 1
      }
      offset = bracket + 1
    }
    return nil
  }

  /// `10/Oct/2026:13:55:36 +0200`, as seconds since 1970.
  private static func time(_ text: RawSpan) -> UInt32? {
    guard text.byteCount >= timeBytes, let day = number(text, 0, 2), let month = month(text, 3),
      let year = number(text, 7, 4), let hour = number(text, 12, 2), let minute = number(text, 15, 2),
      let second = number(text, 18, 2), let zoneHours = number(text, 22, 2),
      let zoneMinutes = number(text, 24, 2)
    else { return nil }
    guard (1...31).contains(day), (1970...2105).contains(year), hour < 24, minute < 60, second <= 60 else {
      return nil
    }
    let zone = zoneHours * 3600 + zoneMinutes * 60
    let days = CivilDate.days(year: year, month: month, day: day)
    let local = days * Int(CivilDate.secondsPerDay) + hour * 3600 + minute * 60 + second
    switch text.byte(at: 21) {
    case UInt8(ascii: "+"): return UInt32(exactly: local - zone)
    case UInt8(ascii: "-"): return UInt32(exactly: local + zone)
    default: return nil
    }
  }

  private static func number(_ text: RawSpan, _ start: Int, _ digits: Int) -> Int? {
    var value = 0
    for offset in start..<(start + digits) {
      guard text.byte(at: offset).isDigit else { return nil }
      value = value * 10 + Int(text.byte(at: offset) - UInt8(ascii: "0"))
    }
    return value
  }

  private static let months: [StaticString] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  private static func month(_ text: RawSpan, _ start: Int) -> Int? {
    let name = text.extracting(start..<(start + 3))
    return months.firstIndex { name.equals($0) }.map { $0 + 1 }
  }

  // MARK: The request

  /// The quote that ends the request: one that no backslash escapes.
  private func closingQuote(_ text: RawSpan) -> Int? {
    var offset = 0
    while offset < text.byteCount {
      switch text.byte(at: offset) {
      case UInt8(ascii: "\""): return offset
      case UInt8(ascii: "\\"): offset += 2
      default: offset += 1
      }
    }
    return nil
  }

  /// The three digits between blanks behind the closing quote at `end`.
  private func status(_ text: RawSpan, behind end: Int) -> Int? {
    guard end + 4 < text.byteCount, text.byte(at: end + 1) == UInt8(ascii: " "),
      end + 5 == text.byteCount || text.byte(at: end + 5).isBlank
    else { return nil }
    return Self.number(text, end + 2, 3)
  }

  /// Takes the second word of a GET or HEAD, without the escapes that the log writes: `\"`, `\\`, `\xHH`.
  private mutating func takeTarget(_ request: RawSpan) -> Bool {
    guard request.hasPrefix("GET ") || request.hasPrefix("HEAD ") else { return false }
    target.removeAll(keepingCapacity: true)
    var offset = request.hasPrefix("GET ") ? 4 : 5
    while offset < request.byteCount {
      let byte = request.byte(at: offset)
      if byte == UInt8(ascii: " ") { break }
      guard byte == UInt8(ascii: "\\"), offset + 1 < request.byteCount else {
        target.append(byte)
        offset += 1
        continue
      }
      if request.byte(at: offset + 1) == UInt8(ascii: "x"), offset + 3 < request.byteCount,
        let high = request.byte(at: offset + 2).hexadecimalValue,
        let low = request.byte(at: offset + 3).hexadecimalValue
      {
        target.append(high << 4 | low)
        offset += 4
      } else {
        target.append(request.byte(at: offset + 1))
        offset += 2
      }
    }
    return !target.isEmpty
  }
}
