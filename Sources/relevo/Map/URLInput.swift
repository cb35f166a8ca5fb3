import MapQueries

/// The URLs that a subcommand is given: arguments, and for `-` the lines of standard input.
struct URLInput {
  private let arguments: [String]
  private let nextLine: () -> String?

  init(_ arguments: [String], nextLine: @escaping () -> String? = { readLine() }) {
    self.arguments = arguments
    self.nextLine = nextLine
  }

  /// Calls `use` with what `parse` makes of each URL.
  ///
  /// - Throws: ``CommandFailure`` that names the first that cannot be used, or what `use` throws.
  func forEach<Value>(
    _ parse: (String) throws(BadURL) -> Value, use: (Value) throws -> Void
  ) throws {
    for argument in arguments {
      if argument == "-" {
        try forEachLine(parse, use)
        continue
      }
      let value: Value
      do {
        value = try parse(argument)
      } catch {
        throw CommandFailure("the URL '\(argument)' cannot be used: \(error)", code: .usage)
      }
      try use(value)
    }
  }

  private func forEachLine<Value>(
    _ parse: (String) throws(BadURL) -> Value, _ use: (Value) throws -> Void
  ) throws {
    var number = 0
    while let line = nextLine() {
      number += 1
      // Lines from Windows end with a carriage return too; no URL does.
      let text = line.last == "\r" ? String(line.dropLast()) : line
      if text.isEmpty || text.hasPrefix("#") { continue }
      let value: Value
      do {
        // What was no UTF-8 has been replaced, and is another URL now.
        if text.unicodeScalars.contains("\u{FFFD}") { throw BadURL("it is not UTF-8: percent-encode it") }
        value = try parse(text)
      } catch {
        throw CommandFailure("standard input, line \(number): \(error)", code: .badData)
      }
      try use(value)
    }
  }
}
