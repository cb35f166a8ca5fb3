import MapFormats

/// What `relevo map stats` prints.
struct StatsPage {
  let summary: MapSummary
  let files: [FileFacts]
  /// What the map takes in memory once it is loaded.
  let memoryBytes: Int
  let columns: Int
  let glyphs: Glyphs

  var lines: [String] {
    facts
      + (summary.tally.urls == 0
        ? [] : [""] + TreePicture(root: summary.root, columns: columns, glyphs: glyphs).lines)
  }

  private var facts: [String] {
    let (all, visits) = (summary.tally.urls, summary.tally.visits)
    var rows: [(name: String, figure: String, remark: String)] = [
      ("URLs", Figures.count(all), learned),
      ("visits", Figures.count(visits), ""),
    ]
    if all > 0 {
      func row(_ name: String, _ urls: Int) {
        rows.append((name, Figures.count(urls), Figures.share(urls, of: all)))
      }
      row("never visited", summary.neverVisited)
      row("visited in the last day", summary.lastVisits.visited(within: .day))
      row("in the last 7 days", summary.lastVisits.visited(within: .week))
      row("in the last 30 days", summary.lastVisits.visited(within: .month))
    }
    for file in files {
      let age = Figures.age(seconds: Int(summary.now) - Int(file.modifiedAt))
      rows.append((file.role.rawValue, Figures.bytes(file.bytes), "\(perURL(file.bytes))written \(age) ago"))
    }
    rows.append(("in memory", Figures.bytes(memoryBytes), String(perURL(memoryBytes).dropLast(2))))
    let nameWidth = rows.map(\.name.count).max() ?? 0
    let figureWidth = rows.map(\.figure.count).max() ?? 0
    return rows.map { row in
      let line =
        row.name.padded(to: nameWidth) + "  " + row.figure.padded(to: figureWidth, .right) + "   "
        + row.remark
      return line.trimmingEnd()
    }
  }

  private var learned: String {
    guard let learned = summary.learned else { return "nothing learned yet" }
    let (first, last) = (Timestamp(learned.lowerBound).date, Timestamp(learned.upperBound).date)
    return first == last ? "learned \(first)" : "learned \(first) to \(last)"
  }

  private func perURL(_ bytes: Int) -> String {
    guard summary.tally.urls > 0 else { return "" }
    return "\(Figures.tenths(Double(bytes) / Double(summary.tally.urls))) bytes a URL, "
  }
}
