/// The report's pictures, in SVG that takes its colours from the style sheet.
enum ReportCharts {
  /// A bar that is as wide as its place for `all`; something is never nothing. The figure stands beside it, so a reader
  /// that cannot see it misses nothing.
  static func bar(_ part: Int, of all: Int) -> Markup {
    let width = all > 0 && part > 0 ? max(4, Int(Double(min(part, all)) / Double(all) * 1000)) : 0
    let rectangle: Markup = width > 0 ? "<rect width=\"\(width)\" height=\"1\"/>" : ""
    return """
      <svg class="bar" viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true">\(rectangle)</svg>
      """
  }

  private static let width = 400.0
  private static let height = 206.0
  private static let left = 44.0
  private static let top = 12.0
  private static let bottom = 26.0

  /// The share of the visits that the most visited URLs have, over the share of the URLs that have any.
  static func curve(_ concentration: Concentration) -> Markup {
    let plot = (width: width - left - 12, height: height - top - bottom)
    func x(_ percent: Int) -> Double {
      left + plot.width * Double(concentration.urls(forPercent: percent)) / Double(max(1, concentration.urls))
    }
    func y(_ percent: Int) -> Double { top + plot.height * Double(100 - percent) / 100 }
    func point(_ x: Double, _ y: Double) -> String { "\(Figures.tenths(x)) \(Figures.tenths(y))" }

    let points = (0...100).map { point(x($0), y($0)) }.joined(separator: "L")
    let area = "M\(points)L\(point(left + plot.width, y(0)))Z"
    let lines = [0, 50, 100].map { percent -> Markup in
      """
      <path class="grid" d="M\(point(left, y(percent)))H\(Figures.tenths(left + plot.width))"/>
      <text x="\(Figures.tenths(left - 6))" y="\(Figures.tenths(y(percent) + 4))" text-anchor="end">\(percent) %</text>
      """
    }
    let ends = [(0, left, "start"), (100, left + plot.width, "end")].map { percent, x, anchor -> Markup in
      """
      <text x="\(Figures.tenths(x))" y="\(Figures.tenths(y(0) + 17))" text-anchor="\(anchor)">\(percent) %</text>
      """
    }
    // The words go to the side of the mark that has room.
    let mark = (x: x(80), y: y(80))
    let isLeft = mark.x < left + plot.width / 2
    let visited = Figures.share(concentration.urls(forPercent: 80), of: concentration.urls)
    return """
      <figure>
      <svg class="curve" viewBox="0 0 \(Int(width)) \(Int(height))" role="img"
      aria-label="\(visited) of the visited URLs have 80 % of the visits">
      <path class="area" d="\(area)"/>
      \(lines)
      <path class="line" d="M\(points)"/>
      <circle cx="\(Figures.tenths(mark.x))" cy="\(Figures.tenths(mark.y))" r="4"/>
      <text class="mark" x="\(Figures.tenths(isLeft ? mark.x + 10 : mark.x - 10))" y="\(Figures.tenths(mark.y + 18))"
      text-anchor="\(isLeft ? "start" : "end")">80 % of the visits</text>
      \(ends)
      </svg>
      <figcaption>Share of the visits, over the share of the URLs with visits, the most visited first</figcaption>
      </figure>
      """
  }
}
