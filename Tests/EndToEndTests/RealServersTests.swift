import Foundation
import Testing

/// Two real nginx as the new pool and one as the old server; curl and wrk as clients.
@Suite("Before real servers")
struct RealServersTests {
  static let image = Bytes.pattern(300_000)

  struct Sites {
    let new: [RealServer]
    let old: RealServer
    let relevo: Relevo
    func url(_ path: String) -> String { "http://127.0.0.1:\(relevo.port)\(path)" }
  }

  /// The site of the issue: `/` on all three servers, `/noexiste.html` only on the old one.
  func withSites(_ newCount: Int = 2, _ flags: String..., test: (Sites) throws -> Void) throws {
    let miss = "error_page 404 /404.html;"
    let new = try (1...newCount).map { number in
      try RealServer(
        pages: [
          "index.html": Bytes(text: "new \(number)"), "404.html": Bytes(text: "the new site's 404"),
          "page.html": Bytes(text: String(repeating: "x", count: 1_000)),
        ], block: miss)
    }
    let old = try RealServer(pages: [
      "index.html": Bytes(text: "old"), "noexiste.html": Bytes(text: "the old page"),
      "a/image.bin": Self.image,
    ])
    let relevo = try Relevo(new: new, old: [old], flags: ["--debug-headers"] + flags)
    try test(Sites(new: new, old: old, relevo: relevo))
    #expect(try relevo.terminate() == .code(0))
  }

  @Test("curl sees the old page at its own URL, twice, the second time without the new pool")
  func doneMeans() throws {
    try withSites { sites in
      for route in ["old-fallback", "old-map"] {
        let output = try Tools.curl("-i", "-L", sites.url("/noexiste.html"))
        #expect(output.exit == .code(0))
        #expect(output.text.hasPrefix("HTTP/1.1 200 OK"))
        #expect(output.text.hasSuffix("the old page"))
        #expect(output.text.contains("X-Relevo-Route: \(route)"))
        #expect(!output.text.contains("Location:") && !output.text.contains("Set-Cookie:"))
        usleep(50_000)
      }
      let asked = try sites.new.flatMap { try $0.entries }.filter { $0.request.contains("/noexiste.html") }
      #expect(asked.count == 1)
      #expect(
        try sites.old.entries(atLeast: 2).map(\.request)
          == Array(repeating: "GET /noexiste.html HTTP/1.1", count: 2))
    }
  }

  @Test("both new servers carry the site, and get the client's address")
  func inTurn() throws {
    try withSites { sites in
      let texts = try (1...6).map { _ in try Tools.curl(sites.url("/")).text }
      #expect(texts.filter { $0 == "new 1" }.count == 3)
      #expect(texts.filter { $0 == "new 2" }.count == 3)
      for server in sites.new {
        #expect(try server.entries(atLeast: 3).allSatisfy { $0.forwardedFor == "127.0.0.1" })
      }
      #expect(try sites.old.entries.isEmpty)
    }
  }

  @Test("what neither has is the new site's own 404")
  func nowhere() throws {
    try withSites { sites in
      let output = try Tools.curl("-w", " %{http_code}", sites.url("/nowhere"))
      #expect(output.text == "the new site's 404 404")
    }
  }

  @Test("20 missed requests in a row use one connection to the new server and one to the old")
  func twenty() throws {
    try withSites(1) { sites in
      for number in 1...20 {
        #expect(try Tools.curl(sites.url("/a/image.bin?\(number)")).exit == .code(0))
      }
      for (name, server) in [("new", sites.new[0]), ("old", sites.old)] {
        let entries = try server.entries(atLeast: 20)
        #expect(entries.count == 20)
        #expect(Set(entries.map(\.connection)).count == 1, "\(name)")
        #expect(entries.map(\.number) == Array(1...20), "\(name)")
      }
    }
  }

  @Test("a file of the old server comes whole, by its range, by its date and as a head")
  func file() throws {
    try withSites { sites in
      let folder = try TemporaryFolder()
      for _ in 1...2 {
        #expect(try Tools.curl("-o", folder.path("got"), sites.url("/a/image.bin")).exit == .code(0))
        expectSame(Bytes(try Data(contentsOf: URL(fileURLWithPath: folder.path("got")))), Self.image)
      }
      let range = try Tools.curl(
        "-r", "100-199", "-o", folder.path("part"), "-w", "%{http_code}", sites.url("/a/image.bin"))
      #expect(range.text == "206")
      expectSame(
        Bytes(try Data(contentsOf: URL(fileURLWithPath: folder.path("part")))), Bytes(Self.image[100..<200]))
      let head = try Tools.curl("-I", sites.url("/a/image.bin"))
      #expect(head.text.contains("Content-Length: 300000"))
      let date = try #require(
        head.text.between("Last-Modified: ", "\n")?.trimmingCharacters(in: .whitespacesAndNewlines))
      let fresh = try Tools.curl(
        "-w", "%{http_code}", "-H", "If-Modified-Since: \(date)", sites.url("/a/image.bin"))
      #expect(fresh.text == "304")
    }
  }

  @Test("curl's HTTP/1.0, its POST with Expect and its upload in chunks are answered")
  func curlForms() throws {
    try withSites { sites in
      let folder = try TemporaryFolder()
      try folder.write("body", .pattern(200_000))
      let old = try Tools.curl("-0", sites.url("/noexiste.html"))
      #expect(old.text == "the old page")
      for arguments in [
        ["-H", "Expect: 100-continue", "--data-binary", "@\(folder.path("body"))"],
        ["-H", "Transfer-Encoding: chunked", "-T", folder.path("body")],
      ] {
        let output = try Tools.run(
          "/usr/bin/curl",
          ["-sS", "--max-time", "10", "-o", "/dev/null", "-w", "%{http_code}"] + arguments + [sites.url("/")])
        #expect(output.exit == .code(0), "\(output.errors)")
        #expect(output.text == "405", "nginx refuses it, and curl hears so")
      }
    }
  }

  @Test("wrk sees no error, on a page, on a fallback that both miss, and on a learned URL")
  func wrk() throws {
    try withSites(2, "--miss-ttl", "0s") { sites in
      #expect(try Tools.curl(sites.url("/noexiste.html")).text == "the old page")
      usleep(50_000)
      for (path, isError) in [("/page.html", false), ("/noexiste.html", false), ("/nowhere", true)] {
        let output = try Tools.wrk(sites.url(path), connections: 16, seconds: 1)
        #expect(output.exit == .code(0))
        #expect(output.text.contains("Requests/sec"))
        #expect(!output.text.contains("Socket errors"), "\(path): \(output.text)")
        #expect(output.text.contains("Non-2xx") == isError, "\(path): \(output.text)")
      }
    }
  }

  @Test("the site goes on while one new server is down and while the old one is")
  func oneDown() throws {
    let up = try RealServer(pages: ["index.html": Bytes(text: "up")])
    try withRelevo(new: [RefusedPort(), up], old: [RefusedPort()]) { (relevo) throws in
      for _ in 1...5 {
        #expect(try Tools.curl("http://127.0.0.1:\(relevo.port)/").text == "up")
        #expect(
          try Tools.curl("-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:\(relevo.port)/nowhere")
            .text
            == "404")
      }
    }
  }
}
