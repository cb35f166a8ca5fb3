import Testing

@testable import relevo

@Suite("what a check reads in pages, and how it prints")
struct CheckTests {
  @Test(
    "the text that tells a page is its title or a heading that the home page has not",
    arguments: [
      (["<title>Not here</title>"], "<title>Home</title>", "Not here"),
      (["<TITLE lang=en>\n Not here </TITLE>"], "", "Not here"),
      (["<title>Shop</title><h1 class=x>Gone</h1>"], "<title>Shop</title>", "Gone"),
      (["<title>a</title><h1>b</h1>", "<title>c</title><h1>b</h1>"], "", "b"),
      (["<title>Caf\u{e9}</title>"], "", "Caf\u{e9}"), (["<title>Caf\u{FFFD}</title><h2>x</h2>"], "", "x"),
      (["<title></title>"], "", nil), (["<title>a</title>"], "<p>a</p>", nil), (["no tags"], "", nil),
      (["<title>open"], "", nil), (["<title"], "", nil), (["<h1><b>x</b></h1>"], "", nil), ([], "", nil),
    ] as [([String], String, String?)])
  func tellingText(pages: [String], other: String, text: String?) {
    #expect(PageText.telling(pages, from: other) == text)
  }

  @Test("links are what stands in href, in either quotes, once")
  func links() {
    let page = "<a href=\"/a\"><a href='/b?x'><a href=/c><a href=\"/a\"><link href=\"\"><a href=\"/d"
    #expect(PageText.links(in: page) == ["/a", "/b?x", "", "/d"])
  }

  @Test("a text is one word for a shell, whatever is in it")
  func quoting() {
    #expect(shellWord("Not here, friend's $x `y`") == "'Not here, friend'\\''s $x `y`'")
    #expect(shellWord("/error.html") == "/error.html")
    #expect(shellWord("/;rm") == "'/;rm'" && shellWord("/a?b") == "'/a?b'" && shellWord("") == "''")
  }

  @Test("the page of an application in the browser is known by the element that it fills")
  func application() {
    for page in ["<body><div id=\"root\"></div>", "<app-root></app-root>", "<div id=app>"] {
      #expect(PageText.isApplication(page))
    }
    #expect(!PageText.isApplication("<div id=\"rooms\">"))
  }

  private let report = CheckReport(findings: [
    .ok("new http://a", "answers in 1 ms (ngi\u{1B}[31mnx)"),
    .problem(
      "new http://a",
      "answers 200 for a page that does not exist and goes on and on until the line is full of it",
      remedy: "Serve with --old-miss-redirect /"),
    .warning("both sites", "clash", remedy: "Rename."),
  ])

  @Test(
    "findings are printed by subject, wrapped, with their remedies below, and no control character of a server's"
  )
  func text() {
    #expect(
      report.text == """
        new http://a
          ok       answers in 1 ms (ngi\u{FFFD}[31mnx)
          problem  answers 200 for a page that does not exist and goes on and on until
                   the line is full of it
                   → Serve with --old-miss-redirect /

        both sites
          warning  clash
                   → Rename.

        1 problem, 1 warning

        """)
  }

  @Test("the summary counts")
  func summary() {
    let warning = Finding.warning("a", "b", remedy: "c")
    let problem = Finding.problem("a", "b", remedy: "c")
    #expect(CheckReport(findings: []).summary == "no problem")
    #expect(CheckReport(findings: [warning]).summary == "no problem, 1 warning")
    #expect(CheckReport(findings: [problem, problem, warning, warning]).summary == "2 problems, 2 warnings")
  }

  @Test("check takes the flags of serve about both sites, on the command line and from the environment")
  func flags() throws {
    let environment = [
      "RELEVO_NEW": "http://a http://b", "RELEVO_OLD": "http://c", "RELEVO_OLD_MISS_BODY": "Not here",
      "RELEVO_WORKERS": "nonsense",
    ]
    guard
      case .run(let command) = Invocation(arguments: ["check", "--timeout", "1s"], environment: environment),
      let check = command as? CheckCommand
    else {
      Issue.record("refused")
      return
    }
    #expect(check.origins.new.count == 2 && check.origins.old.count == 1)
    #expect(check.fallback.softMisses.bodies == ["Not here"])
    #expect(failure("check", "--new", "http://a")?.code == 64)
    #expect(
      failure("check", "--new", "http://a")?.description.hasPrefix("check needs a server of the old site")
        == true)
    #expect(failure("check", "--public-host", "?z?")?.description.contains("--public-host <host>") == true)
    let help = try #require(page("check", "--help"))
    #expect(help.split(separator: "\n").allSatisfy { $0.count <= 80 })
    #expect(help.contains("--public-host") && help.contains("Exit code 0"))
  }
}
