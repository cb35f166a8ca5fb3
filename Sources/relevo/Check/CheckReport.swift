import FoundationEssentials

/// The findings as they are printed.
struct CheckReport {
  let findings: [Finding]

  /// Columns of a line, where words allow it.
  private static let width = 80
  private static let indent = 11

  func count(_ mark: Finding.Mark) -> Int { findings.count { $0.mark == mark } }

  /// `no problem`, `2 problems, 1 warning`.
  var summary: String {
    let (problems, warnings) = (count(.problem), count(.warning))
    let first = problems == 0 ? "no problem" : problems == 1 ? "1 problem" : "\(problems) problems"
    return warnings == 0 ? first : "\(first), \(warnings) \(warnings == 1 ? "warning" : "warnings")"
  }

  /// For people: the findings by subject, each remedy below its finding.
  var text: String {
    var lines: [String] = []
    var subject: String?
    for finding in findings {
      if finding.subject != subject {
        if subject != nil { lines.append("") }
        lines.append(Self.printable(finding.subject))
        subject = finding.subject
      }
      let mark = "  \(finding.mark.rawValue)"
      let first = mark + String(repeating: " ", count: Self.indent - mark.count)
      lines += Self.wrapped(finding.sentence, first: first)
      if let remedy = finding.remedy {
        lines += Self.wrapped("→ " + remedy, first: String(repeating: " ", count: Self.indent))
      }
    }
    return lines.joined(separator: "\n") + "\n\n\(summary)\n"
  }

  /// For programs.
  func json() throws -> String {
    struct Report: Encodable {
      let problems: Int
      let warnings: Int
      let findings: [Finding]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let report = Report(problems: count(.problem), warnings: count(.warning), findings: findings)
    return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
  }

  private static func wrapped(_ text: String, first: String) -> [String] {
    var lines: [String] = []
    var line = first
    var isEmpty = true
    for word in printable(text).split(separator: " ") {
      if !isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = String(repeating: " ", count: indent)
        isEmpty = true
      }
      line += isEmpty ? word : " \(word)"
      isEmpty = false
    }
    return lines + [line]
  }

  /// Answers come from outside: no control character of theirs reaches the terminal.
  private static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
  }
}
