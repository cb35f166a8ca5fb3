/// A piece of HTML. A literal is markup; whatever is interpolated into it is text and comes out escaped, so that no URL,
/// name or path can become markup.
///
/// ```swift
/// let cell: Markup = "<td title=\"\(url)\">\(url)</td>"
/// ```
/// It is safe between tags and in quoted attributes; no text may stand in a style, in a script or in an attribute that
/// holds a URL.
struct Markup: ExpressibleByStringInterpolation, Equatable, Sendable {
  private(set) var text: String

  init(stringLiteral literal: String) {
    text = literal
  }

  init(stringInterpolation interpolation: StringInterpolation) {
    text = interpolation.text
  }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + 16 * interpolationCount)
    }

    mutating func appendLiteral(_ literal: String) {
      text += literal
    }

    mutating func appendInterpolation(_ markup: Markup) {
      text += markup.text
    }

    /// Each piece on a line of its own.
    mutating func appendInterpolation(_ pieces: [Markup]) {
      text += pieces.map(\.text).joined(separator: "\n")
    }

    mutating func appendInterpolation(_ number: Int) {
      text += String(number)
    }

    mutating func appendInterpolation(_ plain: String) {
      for scalar in plain.unicodeScalars {
        switch scalar {
        case "&": text += "&amp;"
        case "<": text += "&lt;"
        case ">": text += "&gt;"
        case "\"": text += "&quot;"
        case "'": text += "&#39;"
        default: text.unicodeScalars.append(scalar)
        }
      }
    }
  }
}
