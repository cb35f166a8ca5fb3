import MapFormats

/// What the report says, part by part.
extension ReportPage {
  private var all: Int { summary.tally.urls }

  private func share(_ urls: Int) -> String { Figures.share(urls, of: all) }

  // MARK: The top

  var emptyLead: Markup {
    if moved.urls > 0 {
      return """
        <p class="lead">The \(Figures.count(moved.urls, "URL")) that Relevo has met on the old server alone \
        \(moved.urls == 1 ? "has" : "have") moved.</p>
        """
    }
    return """
      <p class="lead">Relevo knows of no URL that only the old server has. Either nobody has asked for one yet, or all
      that was asked for has moved.</p>
      """
  }

  var lead: Markup {
    """
    <p class="lead">Relevo knows \(Figures.count(all, "URL")) that the new site did not have and the old server did.
    \(visitedSentence)</p>
    """
  }

  private var visitedSentence: Markup {
    guard summary.visited > 0 else { return "Nobody has come back to any of them since." }
    return """
      Visitors came back to \(Figures.count(summary.visited)) of them, \(Figures.count(summary.tally.visits, "time"))
      altogether.
      """
  }

  var tiles: Markup {
    let month = summary.lastVisits.visited(within: .month)
    var tiles: [Markup] = [
      tile(Figures.count(all), "URLs on the old server", learned),
      tile(Figures.count(month), "visited in the last 30 days", "\(share(month)) of the URLs"),
    ]
    if summary.tally.visits > 0 {
      let most = summary.concentration.urls(forPercent: 80)
      tiles.append(tile(Figures.count(most), "have 80 % of the visits", "\(share(most)) of the URLs"))
    }
    tiles.append(
      tile(
        Figures.count(summary.neverVisited), "never visited since learned",
        "\(share(summary.neverVisited)) of the URLs"))
    if moved.urls > 0 {
      tiles.append(
        tile(
          Figures.count(moved.urls), "moved to the new site",
          "\(Figures.count(moved.lastWeek)) in the last 7 days"))
    }
    return "<dl class=\"tiles\">\n\(tiles)\n</dl>"
  }

  private var learned: String {
    guard let learned = summary.learned else { return "" }
    let (first, last) = (Timestamp(learned.lowerBound).date, Timestamp(learned.upperBound).date)
    return first == last ? "learned \(first)" : "learned \(first) to \(last)"
  }

  private func tile(_ figure: String, _ name: String, _ remark: String) -> Markup {
    """
    <div><dt>\(name)</dt><dd class="figure">\(figure)</dd><dd class="remark">\(remark)</dd></div>
    """
  }

  // MARK: What to move first

  var mostVisited: ReportSection {
    let most = summary.mostVisited.first?.entry.hits ?? 0
    let rows = summary.mostVisited.map { listed -> Markup in
      """
      <tr><th scope="row"><code>\(Self.shown(listed.key))</code></th>
      <td class="wide">\(ReportCharts.bar(Int(listed.entry.hits), of: Int(most)))</td>
      <td>\(Figures.count(Int(listed.entry.hits)))</td><td>\(Timestamp(listed.entry.lastUsedAt).date)</td></tr>
      """
    }
    let visits = summary.mostVisited.reduce(0) { $0 + Int($1.entry.hits) }
    let head: Markup = rows.count == 1 ? "The one URL" : "The \(rows.count) URLs"
    return ReportSection(
      name: "first", title: "What to move first",
      words: """
        \(head) that visitors came back to most. They have
        \(Figures.share(visits, of: summary.tally.visits)) of all visits.
        """,
      content: """
        <table>
        <thead><tr><th scope="col">URL</th><td class="wide"></td><th scope="col">Visits</th>
        <th scope="col">Last visit</th></tr></thead>
        <tbody>
        \(rows)
        </tbody>
        </table>
        """)
  }

  // MARK: The long tail

  var longTail: ReportSection {
    let concentration = summary.concentration
    let percents = [50, 80, 90, 95, 99, 100]
    let rows = percents.map { percent -> Markup in
      let urls = concentration.urls(forPercent: percent)
      return """
        <tr><th scope="row">\(percent) %</th><td>\(Figures.count(urls))</td><td>\(share(urls))</td></tr>
        """
    }
    let most = concentration.urls(forPercent: 80)
    return ReportSection(
      name: "tail", title: "The long tail",
      words: """
        Move the \(Figures.count(most, "most visited URL")), \(share(most)) of those known, and 80 % of the visits are
        answered by the new site. The rest is the tail: many URLs with few visits each.
        """,
      content: """
        <div class="pair">
        \(ReportCharts.curve(concentration))
        <table>
        <thead><tr><th scope="col">For so many visits</th><th scope="col">move so many URLs</th>
        <th scope="col">of all</th></tr></thead>
        <tbody>
        \(rows)
        </tbody>
        </table>
        </div>
        """)
  }

  // MARK: By last visit

  var byLastVisit: ReportSection {
    let largest = LastVisits.Age.allCases.map { summary.lastVisits[$0].urls }.max() ?? 0
    let rows = LastVisits.Age.allCases.map { age -> Markup in
      let urls = summary.lastVisits[age].urls
      let row: Markup = age == .never ? "<tr class=\"quiet\">" : "<tr>"
      return """
        \(row)<th scope="row">\(age.reading)</th>
        <td class="chart">\(ReportCharts.bar(urls, of: largest))</td>
        <td>\(Figures.count(urls))</td><td>\(share(urls))</td></tr>
        """
    }
    let recent = summary.lastVisits.visited(within: .month)
    return ReportSection(
      name: "when", title: "By last visit",
      words: """
        \(Figures.count(recent, "URL")) had a visit in the last 30 days: these are in use. What was last visited long ago
        may be let go, or redirected in one go.
        """,
      content: """
        <table class="histogram">
        <thead><tr><th scope="col">Last visit</th><td class="chart"></td><th scope="col">URLs</th>
        <th scope="col">of all</th></tr></thead>
        <tbody>
        \(rows)
        </tbody>
        </table>
        """)
  }

  // MARK: Never visited

  var neverVisited: ReportSection {
    let rows = summary.longestUnvisited.map { listed -> Markup in
      """
      <tr><th scope="row"><code>\(Self.shown(listed.key))</code></th><td>\(Timestamp(listed.entry.learnedAt).date)</td></tr>
      """
    }
    let count = summary.neverVisited
    let which: Markup =
      count > rows.count
      ? "Here are the \(rows.count) that have waited longest."
      : "The one that has waited longest comes first."
    return ReportSection(
      name: "never", title: "Never visited",
      words: """
        \(Figures.count(count, "URL")), \(share(count)) of all, \(count == 1 ? "was" : "were") asked for once, which is
        how Relevo learned of \(count == 1 ? "it" : "them"), and not again. \(which)
        """,
      content: """
        <table>
        <thead><tr><th scope="col">URL</th><th scope="col">Learned</th></tr></thead>
        <tbody>
        \(rows)
        </tbody>
        </table>
        """)
  }

  // MARK: What has moved

  var alreadyMoved: ReportSection {
    let rows = moved.latest.map { listed -> Markup in
      """
      <tr><th scope="row"><code>\(Self.shown(listed.key))</code></th><td>\(Timestamp(listed.entry.learnedAt).date)</td></tr>
      """
    }
    let since = moved.since.map { Timestamp($0).date } ?? ""
    let share = Figures.share(moved.urls, of: moved.urls + all)
    let latest: Markup = moved.urls > rows.count ? " These are the latest \(rows.count)." : ""
    return ReportSection(
      name: "moved", title: "Already moved",
      words: """
        \(Figures.count(moved.urls, "URL")) that only the old server had \(moved.urls == 1 ? "is" : "are") on the new site
        by now: \(share) of all that Relevo has met, since \(since).\(latest)
        """,
      content: """
        <table class="moved">
        <thead><tr><th scope="col">URL</th><th scope="col">Found on the new site</th></tr></thead>
        <tbody>
        \(rows)
        </tbody>
        </table>
        """)
  }

  // MARK: Words

  var meaning: Markup {
    """
    <aside>
    <h2>What the figures mean</h2>
    <p>A URL is <em>learned</em> when the new site answers that it does not have it, and the old server has it. A
    <em>visit</em> is a later request for a learned URL, which Relevo sends to the old server at once. The request that
    taught Relevo the URL is no visit, and nothing is known of the time before Relevo stood in front of both sites. A
    URL that has moved to the new site is found there the next time it is checked, and leaves this list.</p>
    </aside>
    """
  }
}

extension LastVisits.Age {
  fileprivate var reading: String {
    switch self {
    case .day: "in the last day"
    case .week: "1 to 7 days ago"
    case .month: "7 to 30 days ago"
    case .threeMonths: "1 to 3 months ago"
    case .sixMonths: "3 to 6 months ago"
    case .year: "6 to 12 months ago"
    case .older: "longer ago"
    case .never: "never"
    }
  }
}
