import Testing

/// `--old-assets-by-referer`: old pages keep their own style.css.
@Suite("Assets of old pages")
struct RefererTests {
  /// Both sites have /style.css, the old one has /page and /only-old.png, the new one /only-new.png.
  private func withAssets(_ flags: [String] = ["--old-assets-by-referer"], _ test: (Site) throws -> Void)
    throws
  {
    let new = try ScriptedOrigin { exchange in
      switch exchange.target {
      case "/style.css", "/only-new.png", "/new-page", "/style":
        try exchange.answer(200, "new", ["Vary: Accept"])
      default: try exchange.answer(404, "no")
      }
    }
    let old = try ScriptedOrigin { exchange in
      switch exchange.target {
      case "/only-new.png", "/nowhere.css": try exchange.answer(404, "no")
      default: try exchange.answer(200, "old")
      }
    }
    let relevo = try Relevo(new: [new], old: [old], flags: ["--debug-headers"] + flags)
    let site = Site(new: new, old: old, relevo: relevo)
    try site.learn("/page?id=7")
    try test(site)
    #expect(try relevo.terminate() == .code(0))
  }

  private static let page = "Referer: http://example.test/page?id=7"

  @Test(
    "a style sheet of an old page is the old server's, of another page the new site's; nothing is learned")
  func style() throws {
    try withAssets { (site) throws in
      for _ in 1...2 {
        let asset = try site.get("/style.css", [Self.page])
        #expect(asset.text == "old")
        #expect(asset["X-Relevo-Route"] == "old-referer")
        #expect(asset["Vary"] == "Referer")
        let other = try site.get("/style.css", ["Referer: http://example.test/new-page"])
        #expect(other.text == "new")
        #expect(other["Vary"] == "Accept, Referer")
        site.settle()
      }
      let alone = try site.get("/style.css")
      #expect(alone.text == "new")
      #expect(alone["Vary"] == "Accept, Referer")
      #expect(try site.log("/style.css", count: 5).notes == [])
    }
  }

  @Test("without the flag nothing of this happens")
  func off() throws {
    try withAssets([]) { (site) throws in
      let asset = try site.get("/style.css", [Self.page])
      #expect(asset.text == "new")
      #expect(asset["Vary"] == "Accept")
    }
  }

  @Test("what old does not have is asked of new; what new does not have is learned as ever, and says Vary")
  func misses() throws {
    try withAssets { (site) throws in
      let new = try site.get("/only-new.png", [Self.page])
      #expect(new.text == "new")
      #expect(new["X-Relevo-Route"] == "new")
      #expect(new["Vary"] == "Accept, Referer")
      let none = try site.get("/nowhere.css", [Self.page])
      #expect(none.status == 404)
      #expect(none["Vary"] == "Referer")
      for route in ["old-fallback", "old-map"] {
        let old = try site.get("/only-old.png", ["Referer: http://example.test/new-page"])
        #expect(old["X-Relevo-Route"] == route)
        #expect(old["Vary"] == "Referer")
        site.settle()
      }
      #expect(try site.get("/only-old.png", [Self.page])["X-Relevo-Route"] == "old-map")
    }
  }

  @Test("while old cannot be reached new is asked")
  func unreachable() throws {
    try withAssets { (site) throws in
      try site.old.stop()
      #expect(try site.get("/style.css", [Self.page]).text == "new")
      #expect(try site.get("/nowhere.css", [Self.page]).status == 404)
    }
  }

  @Test("only this site's pages that are known count, in any writing of their key")
  func referers() throws {
    let referers = [
      ("http://EXAMPLE.test:8443/page?id=7", "old"), ("https://example.test/p%61ge?utm_source=x&id=7", "old"),
      ("http://example.test/page?id=7#part", "old"), ("http://other.test/page?id=7", "new"),
      ("http://example.test/page", "new"), ("/page?id=7", "new"), ("http://example.test", "new"), ("", "new"),
      ("http://example.test/page?id=7 x", "new"), ("http://example.test/p\u{E4}ge", "new"), ("?", "new"),
    ]
    try withAssets { (site) throws in
      for (referer, answer) in referers {
        #expect(try site.get("/style.css", ["Referer: \(referer)"]).text == answer, "\(referer)")
      }
    }
  }

  @Test("Sec-Fetch-Dest says what is an asset, and the end of the path where there is none")
  func destinations() throws {
    let assets: [(String, [String], String)] = [
      ("/style", ["Sec-Fetch-Dest: style"], "old"), ("/style.css", ["Sec-Fetch-Dest: font"], "old"),
      ("/style.css", ["Sec-Fetch-Dest: document"], "new"), ("/style", [], "new"),
      ("/style.css", ["Sec-Fetch-Dest: empty"], "new"),
    ]
    try withAssets { (site) throws in
      for (target, fields, answer) in assets {
        let asset = try site.get(target, [Self.page] + fields)
        #expect(asset.text == answer, "\(target) \(fields)")
        #expect(asset["Vary"]?.contains("Referer") == (answer == "old"), "\(target) \(fields)")
      }
    }
  }

  @Test("GET and HEAD only")
  func methods() throws {
    try withAssets { (site) throws in
      #expect(try site.get("/style.css", [Self.page], method: "HEAD")["X-Relevo-Route"] == "old-referer")
      let post = try site.get("/style.css", [Self.page], method: "POST", body: [])
      #expect(post.text == "new")
      #expect(post["Vary"] == "Accept")
    }
  }

  @Test("a page that a rule gives to the old site counts as known")
  func rules() throws {
    try withAssets(["--old-assets-by-referer", "--always-old", "/blog/"]) { (site) throws in
      #expect(try site.get("/style.css", ["Referer: http://example.test/blog/1"]).text == "old")
      #expect(try site.get("/style.css", ["Referer: http://example.test/blog2/1"]).text == "new")
    }
  }

  @Test("the visit of an asset is not counted as one of its page")
  func countsNoVisit() throws {
    let folder = try TemporaryFolder()
    try withAssets(["--old-assets-by-referer", "--map-file", folder.path("map")]) { (site) throws in
      for _ in 1...3 { #expect(try site.get("/style.css", [Self.page]).text == "old") }
    }
    let entries = MapFile(try folder.read("map")).entries
    #expect(entries.map { [$0[0], $0[4]] } == [["/page?id=7", "0"]])
  }
}
