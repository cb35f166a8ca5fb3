/// The parameters of a query: each is asked for once, and what is left over is an error.
struct Parameters {
  private var values: [String: String] = [:]

  /// - Throws: ``Refusal`` with 400 for a query that cannot be read, and a parameter that is there twice.
  init(_ query: Substring) throws(Refusal) {
    for item in query.split(separator: "&") {
      let name = item.prefix { $0 != "=" }
      guard let key = PercentEncoding.decoded(name, plusIsBlank: true),
        let value = PercentEncoding.decoded(item.dropFirst(name.count + 1), plusIsBlank: true)
      else { throw .badRequest("the query has '\(item)', which is not percent-encoded UTF-8") }
      guard values.updateValue(value, forKey: key) == nil else {
        throw .badRequest("\(key) is there twice: give it once")
      }
    }
  }

  /// Takes a parameter; nil when it is not there.
  mutating func take(_ name: String) -> String? {
    values.removeValue(forKey: name)
  }

  /// Takes a parameter that must be there.
  mutating func require(_ name: String, _ example: String) throws(Refusal) -> String {
    guard let value = take(name) else { throw .badRequest("\(name) is missing: give it, as in \(example)") }
    return value
  }

  /// Takes a whole number.
  mutating func count(_ name: String, in range: ClosedRange<Int>, default: Int) throws(Refusal) -> Int {
    guard let text = take(name) else { return `default` }
    let isDigits = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard isDigits, let value = Int(text), range.contains(value) else {
      throw .badRequest("\(name) is a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// Takes `true` or `false`.
  mutating func flag(_ name: String) throws(Refusal) -> Bool {
    switch take(name) {
    case nil, "false": return false
    case "true": return true
    case .some: throw .badRequest("\(name) is true or false")
    }
  }

  /// Call it when all are taken.
  ///
  /// - Throws: ``Refusal`` with 400 that names one that is not known.
  func end() throws(Refusal) {
    guard let unknown = values.keys.min() else { return }
    throw .badRequest("there is no parameter '\(unknown)' here: /openapi.json says which there are")
  }
}
