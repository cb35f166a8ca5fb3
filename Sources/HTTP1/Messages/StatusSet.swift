/// A set of statuses from 100 to 599, held in a fixed number of bits.
public struct StatusSet: Sendable, Equatable, CustomStringConvertible {
  private static var range: ClosedRange<Int> { 100...599 }

  /// Bit n of all words together stands for status 100 + n.
  private var words = SIMD8<UInt64>()

  /// Reads a list such as `404`, `4xx`, `200-299`, separated by commas; spaces around an element do not
  /// count.
  public init(parsing text: String) throws(StatusSetError) {
    for element in text.split(separator: ",", omittingEmptySubsequences: false) {
      let statuses = try Self.parse(element, of: text)
      for status in statuses { insert(status) }
    }
  }

  public func contains(_ status: UInt16) -> Bool {
    contains(Int(status))
  }

  /// The same set in the notation that `init(parsing:)` reads, as short as it goes.
  public var description: String {
    var elements: [String] = []
    var status = Self.range.lowerBound
    while status <= Self.range.upperBound {
      if hasWholeClass(at: status) {
        elements.append("\(status / 100)xx")
        status += 100
      } else if contains(status) {
        let first = status
        repeat { status += 1 } while contains(status) && !hasWholeClass(at: status)
        elements.append(first == status - 1 ? "\(first)" : "\(first)-\(status - 1)")
      } else {
        status += 1
      }
    }
    return elements.joined(separator: ",")
  }

  private func hasWholeClass(at status: Int) -> Bool {
    status % 100 == 0 && (status..<status + 100).allSatisfy { contains($0) }
  }

  private func contains(_ status: Int) -> Bool {
    guard Self.range.contains(status) else { return false }
    let bit = status - Self.range.lowerBound
    return words[bit / 64] >> UInt64(bit % 64) & 1 == 1
  }

  private mutating func insert(_ status: Int) {
    let bit = status - Self.range.lowerBound
    words[bit / 64] |= 1 << UInt64(bit % 64)
  }

  private static func parse(_ element: Substring, of text: String) throws(StatusSetError) -> ClosedRange<Int>
  {
    let element = trimmed(element)
    guard !element.isEmpty else {
      throw StatusSetError(text: text, problem: "an element is empty")
    }
    let bounds = element.split(separator: "-", omittingEmptySubsequences: false).map(trimmed)
    if bounds.count == 2 {
      let first = try status(bounds[0], of: text)
      let last = try status(bounds[1], of: text)
      guard first <= last else {
        throw StatusSetError(text: text, problem: "'\(element)' runs backwards")
      }
      return first...last
    }
    let utf8 = Array(element.utf8)
    if utf8.count == 3, utf8[1].lowercased == UInt8(ascii: "x"), utf8[2].lowercased == UInt8(ascii: "x") {
      guard (UInt8(ascii: "1")...UInt8(ascii: "5")).contains(utf8[0]) else {
        throw StatusSetError(text: text, problem: "'\(element)' is no class of statuses")
      }
      let first = Int(utf8[0] - UInt8(ascii: "0")) * 100
      return first...first + 99
    }
    let single = try status(element, of: text)
    return single...single
  }

  private static func status(_ digits: Substring, of text: String) throws(StatusSetError) -> Int {
    guard digits.utf8.count == 3, digits.utf8.allSatisfy(\.isDigit), let status = Int(digits),
      range.contains(status)
    else {
      throw StatusSetError(text: text, problem: "'\(digits)' is no status from 100 to 599")
    }
    return status
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}

/// Why a text is no set of statuses.
public struct StatusSetError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The whole text.
  public let text: String
  /// What is wrong with it.
  public let problem: String

  /// A sentence that says what is wrong and what would be right.
  public var description: String {
    "'\(text)' is not a list of statuses: \(problem). Write statuses, classes and ranges with commas "
      + "between them: 404, 4xx or 200-299,404."
  }
}
