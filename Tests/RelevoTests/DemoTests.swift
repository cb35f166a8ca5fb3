import EventLoop
import Testing

@testable import relevo

@Suite("the demo's two websites")
struct DemoTests {
  private static func get(_ site: DemoSite, _ target: String) -> HTTPServerResponse {
    site.answer(HTTPServerRequest(method: "GET", target: target))
  }

  @Test("the home page is on both, the other page on the old one only, and the third on neither")
  func statuses() {
    #expect(Self.get(.new, "/").status == 200)
    #expect(Self.get(.old, "/").status == 200)
    #expect(Self.get(.new, "/noexiste.html").status == 404)
    #expect(Self.get(.old, "/noexiste.html").status == 200)
    #expect(Self.get(.old, "/noexiste.html?again").status == 200)
    #expect(Self.get(.new, "/nowhere.html").status == 404)
    #expect(Self.get(.old, "/nowhere.html").status == 404)
  }

  @Test(
    "every page says whose it is", arguments: [DemoSite.new, .old], ["/", "/noexiste.html", "/nowhere.html"])
  func whose(site: DemoSite, target: String) {
    let response = Self.get(site, target)
    #expect(response.headers.contains { $0 == ("X-Served-By", site.name) })
    #expect(String(decoding: response.body, as: UTF8.self).contains(">\(site.name) site<"))
  }

  @Test(
    "every page is one well-formed document that loads nothing",
    arguments: [
      DemoPages.newHome, DemoPages.oldHome, DemoPages.neverMoved, DemoPages.newNotFound,
      DemoPages.oldNotFound,
    ])
  func wellFormed(page: String) {
    var open: [Substring] = []
    for match in page.matches(of: /<(\/?)([a-z0-9]+)[^<>]*>/) {
      if match.1.isEmpty {
        if !["meta", "link", "br"].contains(match.2) { open.append(match.2) }
      } else {
        #expect(open.popLast() == match.2)
      }
    }
    #expect(open.isEmpty)
    #expect(page.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\""))
    #expect(page.contains("prefers-color-scheme: dark"))
    #expect(!page.contains("://") && !page.contains(" src=") && !page.contains("url("))
  }

  @Test("links lead to the three pages")
  func links() {
    for page in [DemoPages.newHome, DemoPages.neverMoved, DemoPages.newNotFound] {
      #expect(
        page.matches(of: /<a href="([^"]*)"/).map { String($0.1) } == [
          "/", "/noexiste.html", "/nowhere.html",
        ])
    }
  }

  @Test("each site answers on a port of its own and reports what it was asked")
  func running() async throws {
    let (asked, report) = AsyncStream.makeStream(of: String.self)
    let new = try DemoOrigin(.new) { report.yield("new \($0) \($1) \($2)") }
    let old = try DemoOrigin(.old) { report.yield("old \($0) \($1) \($2)") }
    #expect(new.port != old.port)
    let request = "GET /noexiste.html HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    #expect(try exchange(port: new.port, sending: request).hasPrefix("HTTP/1.1 404 Not Found\r\n"))
    #expect(try exchange(port: old.port, sending: request).hasPrefix("HTTP/1.1 200 OK\r\n"))
    report.finish()
    var lines: [String] = []
    for await line in asked { lines.append(line) }
    #expect(lines == ["new GET /noexiste.html 404", "old GET /noexiste.html 200"])
  }
}
