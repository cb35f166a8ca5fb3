import MapFormats
import URLMap

/// The lines of a list of entries.
struct EntryTable {
  enum Style {
    /// For a reader: a heading, and columns below each other.
    case aligned
    /// For a program: no heading, one tab between columns.
    case tabbed
  }

  let style: Style

  /// A visit count has at most ten digits, a time has twenty bytes.
  private static let visitsWidth = 10
  private static let timeWidth = 20

  /// Its line end included; nothing for a program.
  var heading: String {
    switch style {
    case .aligned: "    VISITS  LAST VISIT            LEARNED               URL\n"
    case .tabbed: ""
    }
  }

  /// Appends the line of one entry. The key needs no escape: it holds visible ASCII only.
  func append(_ key: RawSpan, _ entry: MapEntry, to line: inout [UInt8]) {
    let visits = String(entry.hits)
    let last = entry.hits == 0 ? "-" : Timestamp(entry.lastUsedAt).description
    let learned = Timestamp(entry.learnedAt).description
    switch style {
    case .aligned:
      line.append(contentsOf: repeatElement(UInt8(ascii: " "), count: Self.visitsWidth - visits.utf8.count))
      line.append(contentsOf: "\(visits)  \(last)".utf8)
      line.append(contentsOf: repeatElement(UInt8(ascii: " "), count: Self.timeWidth - last.utf8.count))
      line.append(contentsOf: "  \(learned)  ".utf8)
    case .tabbed:
      line.append(contentsOf: "\(visits)\t\(last)\t\(learned)\t".utf8)
    }
    unsafe key.withUnsafeBytes { unsafe line.append(contentsOf: $0) }
    line.append(UInt8(ascii: "\n"))
  }
}
