/// Numbers as the map's files write them.
package enum Digits {
  package static func append(_ number: UInt32, to line: inout [UInt8]) {
    var divisor: UInt32 = 1
    while number / divisor >= 10 { divisor *= 10 }
    var rest = number
    while divisor > 0 {
      line.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / divisor))
      rest %= divisor
      divisor /= 10
    }
  }

  static func appendHexadecimal(_ number: UInt64, count: Int, to line: inout [UInt8]) {
    for place in stride(from: 4 * (count - 1), through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: number >> UInt64(place)) & 15
      line.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }

  /// The number whose digits begin at `position`, and moves behind it. Nil for none, one past 32 bits, one with a
  /// leading zero.
  static func number(_ line: Span<UInt8>, _ position: inout Int) -> UInt32? {
    let start = position
    var value: UInt64 = 0
    while position < line.count, case let digit = line[position] &- UInt8(ascii: "0"), digit < 10,
      position - start < 10
    {
      value = value &* 10 &+ UInt64(digit)
      position += 1
    }
    guard position > start, position - start == 1 || line[start] != UInt8(ascii: "0") else { return nil }
    return UInt32(exactly: value)
  }

  /// The number of up to 16 small hexadecimal digits, all of `range`.
  static func hexadecimal(_ line: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
    var value: UInt64 = 0
    for index in range {
      let digit: UInt8
      switch line[index] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = line[index] - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = line[index] - UInt8(ascii: "a") + 10
      default: return nil
      }
      value = value << 4 | UInt64(digit)
    }
    return value
  }

  static func hasPrefix(_ line: Span<UInt8>, _ prefix: String) -> Bool {
    let prefix = prefix.utf8
    guard line.count >= prefix.count else { return false }
    var position = 0
    for byte in prefix {
      if line[position] != byte { return false }
      position += 1
    }
    return true
  }
}
