/// A tree of directories in lines of text, with bars.
///
/// ```
///                          URLs                   VISITS
/// /                   1,000,000  ████████████  3,512,880  ████████████
/// ├─ noticias/          612,004  ███████▍      1,020,112  ███▌
/// │  └─ … 312 more       12,004  ▏                 3,112  ▏
/// ```
struct TreePicture {
  let root: Directory
  let columns: Int
  let glyphs: Glyphs

  private static let narrowestName = 12
  private static let widestBar = 24
  /// A narrower bar tells nothing: then there is none.
  private static let narrowestBar = 4
  private static let gap = 2

  private struct Row {
    let name: String
    let tally: Tally
  }

  var lines: [String] {
    var rows = [Row(name: root.name.isEmpty ? "all hosts" : Self.text(root.name), tally: root.tally)]
    appendRows(below: root, indent: "", to: &rows)
    let urls = rows.map { Figures.count($0.tally.urls) }
    let visits = rows.map { Figures.count($0.tally.visits) }
    let urlsWidth = max("URLs".count, urls.map(\.count).max() ?? 0)
    let visitsWidth = max("VISITS".count, visits.map(\.count).max() ?? 0)

    let gap = String(repeating: " ", count: Self.gap)
    // The last column stays free: some terminals wrap as soon as it is written.
    let forNameAndBars = columns - 1 - urlsWidth - visitsWidth - 4 * Self.gap
    let longest = min(columns * 2 / 5, rows.map(\.name.count).max() ?? 0)
    let nameWidth = max(Self.narrowestName, min(longest, forNameAndBars - 2 * Self.narrowestBar))
    let barWidth = min(Self.widestBar, (forNameAndBars - nameWidth) / 2)
    let hasBars = barWidth >= Self.narrowestBar

    func bar(_ part: Int, _ all: Int) -> String {
      hasBars ? gap + glyphs.bar(part, of: all, width: barWidth).padded(to: barWidth) : ""
    }
    let emptyBar = hasBars ? String(repeating: " ", count: Self.gap + barWidth) : ""
    let heading =
      "DIRECTORY".padded(to: nameWidth) + gap + "URLs".padded(to: urlsWidth, .right) + emptyBar + gap
      + "VISITS".padded(to: visitsWidth, .right)
    return [heading]
      + rows.indices.map { index in
        let row = rows[index]
        let line =
          shortened(row.name, to: nameWidth).padded(to: nameWidth) + gap
          + urls[index].padded(to: urlsWidth, .right) + bar(row.tally.urls, root.tally.urls) + gap
          + visits[index].padded(to: visitsWidth, .right) + bar(row.tally.visits, root.tally.visits)
        return line.trimmingEnd()
      }
  }

  private func appendRows(below directory: Directory, indent: String, to rows: inout [Row]) {
    // Where all are folded, the line would say what the directory's own says.
    let hasFolded = directory.folded.directories > 0 && !directory.directories.isEmpty
    for (index, child) in directory.directories.enumerated() {
      let isLast = index == directory.directories.count - 1 && !hasFolded
      rows.append(
        Row(
          name: indent + (isLast ? glyphs.lastBranch : glyphs.branch) + Self.text(child.name),
          tally: child.tally))
      appendRows(below: child, indent: indent + (isLast ? "   " : glyphs.trunk), to: &rows)
    }
    if hasFolded {
      let name = "\(glyphs.ellipsis) \(Figures.count(directory.folded.directories)) more"
      rows.append(Row(name: indent + glyphs.lastBranch + name, tally: directory.folded.tally))
    }
  }

  /// The beginning and the end of what is too long: both tell directories apart.
  private func shortened(_ name: String, to width: Int) -> String {
    guard name.count > width else { return name }
    let rest = width - glyphs.ellipsis.count
    return name.prefix(rest - rest / 3) + glyphs.ellipsis + name.suffix(rest / 3)
  }

  private static func text(_ name: [UInt8]) -> String { String(decoding: name, as: UTF8.self) }
}

/// What pictures in text are made of.
struct Glyphs {
  let branch: String
  let lastBranch: String
  let trunk: String
  let ellipsis: String
  /// From the thinnest part of a cell to the full cell.
  let cells: [Character]

  static let unicode = Glyphs(
    branch: "├─ ", lastBranch: "└─ ", trunk: "│  ", ellipsis: "…",
    cells: ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"])
  static let ascii = Glyphs(branch: "|- ", lastBranch: "`- ", trunk: "|  ", ellipsis: "...", cells: ["#"])

  /// A bar whose full width is `all`; something is never nothing.
  func bar(_ part: Int, of all: Int, width: Int) -> String {
    guard part > 0, all > 0, let full = cells.last else { return "" }
    let steps = max(1, Int((Double(part) / Double(all) * Double(width * cells.count)).rounded(.down)))
    let bounded = min(steps, width * cells.count)
    var bar = String(repeating: full, count: bounded / cells.count)
    if case let rest = bounded % cells.count, rest > 0 { bar.append(cells[rest - 1]) }
    return bar
  }
}

extension String {
  enum Side {
    case left, right
  }

  /// With blanks behind it, or before it when it stands at the right; as it is when it is wider.
  func padded(to width: Int, _ side: Side = .left) -> String {
    let blanks = String(repeating: " ", count: max(0, width - count))
    switch side {
    case .left: return self + blanks
    case .right: return blanks + self
    }
  }

  /// Without the blanks at its end.
  func trimmingEnd() -> String {
    guard let last = lastIndex(where: { $0 != " " }) else { return "" }
    return String(self[...last])
  }
}
