/// The report's tree of directories: rows that open, without a script.
extension ReportPage {
  var byDirectory: ReportSection {
    ReportSection(
      name: "where", title: "By directory",
      words: """
        The largest directories by visits; a row with a triangle opens. Whole directories with few visits can be moved,
        redirected or dropped in one decision.
        """,
      content: """
        <div class="tree">
        <p class="row head" aria-hidden="true"><span>Directory</span><span></span><span>Visits</span><span>URLs</span></p>
        \(branch(summary.root, depth: 0))
        </div>
        """)
  }

  private func branch(_ directory: Directory, depth: Int) -> Markup {
    let name: Markup =
      directory.name.isEmpty ? "<em>all hosts</em>" : "<code>\(Self.shown(directory.name))</code>"
    let cells = cells(name, directory.tally)
    // Where all that is below is folded, its line would say what this one says.
    guard !directory.directories.isEmpty else {
      return "<p class=\"row\" style=\"--depth:\(depth)\">\(cells)</p>"
    }
    var below = directory.directories.map { branch($0, depth: depth + 1) }
    if directory.folded.directories > 0 {
      let name: Markup = "<em>… \(Figures.count(directory.folded.directories)) more</em>"
      below.append(rest(name, directory.folded.tally, depth: depth + 1))
    }
    if directory.own.urls > 0 {
      below.append(rest("<em>in no directory below</em>", directory.own, depth: depth + 1))
    }
    let open: Markup = depth == 0 ? " open" : ""
    return """
      <details\(open) style="--depth:\(depth)"><summary class="row">\(cells)</summary>
      \(below)
      </details>
      """
  }

  private func rest(_ name: Markup, _ tally: Tally, depth: Int) -> Markup {
    "<p class=\"row\" style=\"--depth:\(depth)\">\(cells(name, tally))</p>"
  }

  private func cells(_ name: Markup, _ tally: Tally) -> Markup {
    """
    <span class="name">\(name)</span>\(ReportCharts.bar(tally.visits, of: summary.tally.visits))\
    \(figure(tally.visits, "visit"))\(figure(tally.urls, "URL"))
    """
  }

  /// Its noun is hidden where the column has a heading.
  private func figure(_ number: Int, _ noun: String) -> Markup {
    let plural: Markup = number == 1 ? "" : "s"
    return "<span>\(Figures.count(number))<i> \(noun)\(plural)</i></span>"
  }
}
