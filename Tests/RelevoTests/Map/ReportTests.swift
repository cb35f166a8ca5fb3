import Testing
import URLMap

@testable import relevo

@Suite("the report's page")
struct ReportTests {
  private func page(
    _ keys: [(String, visits: Int)], moved: [String] = [], path: String = "urls.map", now: UInt32 = 2_000_000
  ) -> String {
    let gone = map(moved.map { ($0, visits: 0) }, learnedAt: 1_500_000)
    let map = map(keys, learnedAt: 1_000_000)
    var summary = MapSummary(of: map, at: now, directoriesBy: .visits, listed: ReportPage.listed)
    summary.root.fold(to: ReportPage.directories, by: .visits)
    let movedSummary = MovedSummary(of: gone, known: map, at: now, listed: ReportPage.listed)
    return ReportPage(summary: summary, moved: movedSummary, path: path, writtenAt: 1_900_000).html
  }

  /// What the page's text is made of: everything between tags.
  private func tags(_ html: String) -> [Substring] { html.matches(of: /<[^>]*>/).map(\.output) }

  @Test("what is interpolated into markup is text")
  func markup() {
    let hostile = "<script>alert(\"1\")</script>&'"
    let markup: Markup = "<b title=\"\(hostile)\">\(hostile)</b>"
    let escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"
    #expect(markup.text == "<b title=\"\(escaped)\">\(escaped)</b>")
    let outer: Markup = "<p>\(markup)\(1)\([markup, markup])</p>"
    #expect(outer.text == "<p>\(markup.text)1\(markup.text)\n\(markup.text)</p>")
  }

  @Test("no URL and no file name becomes markup, wherever it stands")
  func hostile() {
    let urls = [
      "/<script>alert(1)</script>/x", "/\"onmouseover=\"alert(1)\"/x", "/'><img/src=x/onerror=alert(1)>/x",
      "/--></style></title><svg/onload=alert(1)>/x", "/&lt;script&gt;/x", "javascript:alert(1)//x",
      "/]]>{{7*7}}${7*7}/x",
    ]
    let visited = page(urls.map { ($0, visits: 2) }, path: "<b>&.map")
    let unvisited = page(urls.map { ($0, visits: 0) }, path: "<b>&.map")
    let harmless = urls.map { url in String(url.map { "<>\"'&".contains($0) ? "z" : $0 }) }
    let plain = page(harmless.map { ($0, visits: 2) })
    let plainUnvisited = page(harmless.map { ($0, visits: 0) })
    // The same page but for its text: not one tag more.
    #expect(tags(visited).count == tags(plain).count)
    #expect(tags(unvisited).count == tags(plainUnvisited).count)
    for html in [visited, unvisited] {
      #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
      #expect(html.contains("/&amp;lt;script&amp;gt;/"))
      #expect(html.contains("&lt;b&gt;&amp;.map"))
      #expect(!html.contains("<script") && !html.contains("<img") && !html.contains("<svg/"))
      #expect(!tags(html).contains { $0.contains("javascript:") || $0.contains(" on") })
    }
  }

  @Test("the page loads nothing and runs nothing")
  func selfContained() {
    let html = page([("/a/1", 3), ("/b", 0)])
    #expect(html.contains("default-src 'none'"))
    #expect(!html.contains("http://") && !html.contains("https://") && !html.contains("url("))
    #expect(!html.contains("@import") && !html.contains("<script"))
    let references = html.matches(of: /(?:href|src)="([^"]*)"/).map(\.1)
    #expect(references.allSatisfy { $0.hasPrefix("#") || $0 == "data:," })
    for name in references where name.hasPrefix("#") {
      #expect(html.contains("id=\"\(name.dropFirst())\""), "\(name) leads nowhere")
    }
  }

  @Test("every tag that is opened is closed")
  func wellFormed() throws {
    let void = ["meta", "link", "!DOCTYPE"]
    for html in [
      page([]), page([], moved: ["/m"]), page([("/a/1", 3)], moved: ["/m", "/n"]),
      page([("/a/1", 3), ("/a/b/2", 1), ("/b/1", 0)]), page([("/b", 0)]),
    ] {
      var open: [Substring] = []
      for tag in tags(html) where !tag.hasSuffix("/>") {
        let name = tag.dropFirst().prefix { $0.isLetter || $0.isNumber || $0 == "/" || $0 == "!" }
        if name.hasPrefix("/") {
          #expect(open.popLast() == name.dropFirst())
        } else if !void.contains(String(name)) {
          open.append(name)
        }
      }
      #expect(open.isEmpty)
    }
  }

  @Test("an empty map makes a page that says so")
  func empty() {
    let html = page([])
    #expect(html.contains("Relevo knows of no URL that only the old server has."))
    #expect(!html.contains("<table") && !html.contains("<nav"))
  }

  @Test("a map that nobody has visited has no list of the most visited")
  func unvisited() {
    let html = page([("/a", 0)])
    #expect(html.contains("Nobody has come back to any of them since."))
    #expect(!html.contains("id=\"first\"") && !html.contains("id=\"tail\""))
    #expect(html.contains("1 URL, 100 % of all, was asked for once"))
  }

  @Test("what has moved is counted, unless it has come back")
  func moved() {
    let html = page([("/a", 1), ("/back", 0)], moved: ["/m", "/<b>", "/back"])
    #expect(html.contains("2 URLs that only the old server had are on the new site"))
    #expect(html.contains("50 % of all that Relevo has met, since 1970-01-18"))
    #expect(html.contains("<code>/&lt;b&gt;</code>"))
    #expect(html.contains("2 in the last 7 days"))
    let later = page([("/a", 1)], moved: ["/m"], now: 1_500_000 + 7 * 86_400)
    #expect(later.contains("0 in the last 7 days"))
    #expect(!page([("/a", 1)]).contains("id=\"moved\""))
  }

  @Test("when everything has moved the page says so")
  func allMoved() {
    let html = page([], moved: ["/m"])
    #expect(html.contains("The 1 URL that Relevo has met on the old server alone has moved."))
    #expect(html.contains("1 URL that only the old server had is on the new site"))
  }

  @Test("the page stays small, however many directories there are and however long their names")
  func size() {
    let name = String(repeating: "<", count: 500)
    let html = page((0..<3000).map { ("/\($0)\(name)/\(name)/\(name)", visits: 0) })
    #expect(html.utf8.count < 1_000_000, "\(html.utf8.count)")
  }

  @Test("it tells which file it is of, and from when")
  func footer() {
    let html = page([("/a", 1)], path: "/var/lib/urls.map")
    #expect(html.contains("Made 1970-01-24 at 03:33 UTC from <code>/var/lib/urls.map</code>"))
    #expect(html.contains("which was written 1970-01-22 at 23:46 UTC"))
  }
}
