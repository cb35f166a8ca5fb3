import HTTP1

/// How an answer is made to say that it depends on the request's Referer (RFC 9110, 12.5.5).
enum VaryByReferer {
  /// It says so already, be it by `*`, or it need not.
  case asItIs
  /// To the value of the field line with this index.
  case added(to: Int)
  /// In a line of its own.
  case ownLine

  init(_ fields: borrowing FieldTable, bytes: RawSpan) {
    self = .ownLine
    for index in 0..<fields.count {
      let field = fields[index]
      guard field.id == .vary, !field.isHopByHop else { continue }
      if Self.namesReferer(bytes.extracting(field.value.range)) {
        self = .asItIs
        return
      }
      if case .ownLine = self, !field.value.isEmpty { self = .added(to: index) }
    }
  }

  private static func namesReferer(_ value: RawSpan) -> Bool {
    var start = 0
    while start <= value.byteCount {
      var end = start
      while end < value.byteCount, value.byte(at: end) != UInt8(ascii: ",") { end += 1 }
      let name = value.extracting(withoutBlanks(value, start..<end))
      if name.equalsIgnoringCase("*") || name.equalsIgnoringCase("referer") { return true }
      start = end + 1
    }
    return false
  }

  private static func withoutBlanks(_ value: RawSpan, _ range: Range<Int>) -> Range<Int> {
    var (lower, upper) = (range.lowerBound, range.upperBound)
    while lower < upper, isBlank(value.byte(at: lower)) { lower += 1 }
    while lower < upper, isBlank(value.byte(at: upper - 1)) { upper -= 1 }
    return lower..<upper
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
