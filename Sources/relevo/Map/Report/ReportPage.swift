import MapFormats

/// The report for the people who plan the migration: one page that loads nothing and runs nothing.
///
/// It is a picture of the map at one moment. Its size has a bound, whatever the map holds: lists and trees are cut to
/// their largest, and long URLs are shown with their middle left out.
struct ReportPage {
  let summary: MapSummary
  let moved: MovedSummary
  /// The map file's path, as the operator gave it.
  let path: String
  /// When the file was written, in seconds since 1970; nil when that is not known.
  let writtenAt: UInt32?

  /// URLs in a list.
  static let listed = 25
  /// Directories that the tree tells one by one.
  static let directories = 400
  /// Bytes of a URL or a directory's name that are shown.
  static let shownBytes = 160

  var html: String { page.text }

  private var page: Markup {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
    <meta name="referrer" content="no-referrer">
    <meta name="robots" content="noindex">
    <meta name="color-scheme" content="light dark">
    <title>What still lives on the old site</title>
    <link rel="icon" href="data:,">
    <style>
    \(ReportStyle.sheet)
    </style>
    </head>
    <body>
    <header>
    <p class="kicker">Relevo · migration report</p>
    <h1>What still lives on the old site</h1>
    \(summary.tally.urls == 0 ? emptyLead : lead)
    </header>
    <main>
    \(parts)
    </main>
    <footer>
    <p>Made \(Timestamp(summary.now).reading) from <code>\(Self.shown(path))</code>\(written).</p>
    </footer>
    </body>
    </html>

    """
  }

  private var written: String {
    guard let writtenAt else { return "" }
    return ", which was written \(Timestamp(writtenAt).reading)"
  }

  private var parts: [Markup] {
    let top = summary.tally.urls == 0 ? [] : [tiles, contents]
    return top + sections.map(\.markup) + [meaning]
  }

  private var sections: [ReportSection] {
    let moved = moved.urls > 0 ? [alreadyMoved] : []
    guard summary.tally.urls > 0 else { return moved }
    var sections: [ReportSection] = []
    if summary.tally.visits > 0 { sections += [mostVisited, longTail] }
    sections += [byDirectory, byLastVisit]
    if summary.neverVisited > 0 { sections.append(neverVisited) }
    return sections + moved
  }

  private var contents: Markup {
    let links = sections.map { section -> Markup in
      "<li><a href=\"#\(section.name)\">\(section.title)</a></li>"
    }
    return "<nav aria-label=\"Contents\"><ul>\n\(links)\n</ul></nav>"
  }

  /// What is shown of a URL: its beginning and its end.
  static func shown(_ key: [UInt8]) -> String {
    guard key.count > shownBytes else { return String(decoding: key, as: UTF8.self) }
    let end = shownBytes / 4
    return String(decoding: key.prefix(shownBytes - end), as: UTF8.self) + " … "
      + String(decoding: key.suffix(end), as: UTF8.self)
  }

  static func shown(_ text: String) -> String { shown(Array(text.utf8)) }
}

/// A part of the page with a heading.
struct ReportSection {
  /// What a link names it by.
  let name: String
  let title: String
  /// One paragraph: what the part says, in words.
  let words: Markup
  let content: Markup

  var markup: Markup {
    """
    <section id="\(name)" aria-labelledby="\(name)-title">
    <h2 id="\(name)-title">\(title)</h2>
    <p class="words">\(words)</p>
    \(content)
    </section>
    """
  }
}

extension Timestamp {
  /// In a sentence: `2026-11-23 at 23:25 UTC`.
  var reading: String { "\(date) at \(description.dropFirst(11).prefix(5)) UTC" }
}
