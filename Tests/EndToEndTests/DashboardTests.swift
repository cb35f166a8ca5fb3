import Foundation
import Testing

/// The page at `/` of the admin plane, in a real browser.
@Suite("The dashboard in Chromium", .serialized)
struct DashboardTests {
  @Test("shows what the API says, asks nobody else, and has the browser complain of nothing")
  func figures() throws {
    try withDashboard { dashboard in
      for _ in 1...3 { _ = try dashboard.site.get("/") }
      try dashboard.site.learn("/docs/a.html")
      _ = try dashboard.site.get("/docs/a.html")
      _ = try dashboard.site.get("/none.html")
      let browser = try dashboard.opened()

      try browser.wait(for: "33.3 %", in: "#share")
      #expect(try browser.text("#share-words") == "of the answers of the last hour came from the old server.")
      #expect(try browser.value("document.title") == "33.3 % old · Relevo")
      #expect(try browser.texts("#routes tbody th b") == ["new", "held", "old-map", "old-fallback"])
      #expect(try browser.texts("#routes tbody td:last-child") == ["3", "1", "1", "1"])
      try browser.wait(for: "Up", in: "#origins tbody")
      #expect(try browser.texts("#origins tbody .state") == ["Up", "Up"])
      #expect(try browser.texts("#origins tbody .badge") == ["new", "old"])
      let ids = try dashboard.site.admin.ask("/api/v1/origins").body.matches(of: /"id":"([^"]+)"/).map {
        String($0.1)
      }
      #expect(try browser.texts("#origins tbody .badge + span") == ids)
      #expect(try browser.text("#servers-words") == "new site: 1 of 1 serving · old server: 1 of 1 serving")
      try browser.wait(for: "docs/", in: "#tree")
      try browser.wait(for: "/docs/a.html", in: "#top-urls")
      try browser.wait(for: "/none.html", in: "#misses")
      #expect(try browser.texts("#misses tbody td").prefix(3) == ["404", "404", "neither site has it"])
      #expect(try browser.text("#ready") == "Ready")
      #expect(try browser.texts("#tiles .figure")[2] == "1")

      #expect(browser.complaints == [])
      #expect(browser.requested.filter { !$0.hasPrefix(dashboard.address) && !$0.hasPrefix("data:") } == [])
    }
  }

  @Test("teaches, where there is nothing to show yet")
  func empty() throws {
    try withDashboard { dashboard in
      let browser = try dashboard.opened()
      try browser.wait(
        for: "Nothing learned yet: the first old page a visitor finds will appear here.", in: "#tree")
      try browser.wait(for: "No request yet.", in: "#share-words")
      try browser.wait(for: "No URL has been missed by both sites.", in: "#misses")
      try browser.wait(for: "No failure.", in: "#failures")
      #expect(browser.complaints == [])
    }
  }

  @Test("shows hostile URLs and fields as text, with what can't be seen percent-encoded")
  func hostile() throws {
    let urls = [
      "/<script>document.title='taken'</script>", "/\"><img/src=x/onerror=document.title='taken'>",
      "/{{7*7}}'`", "/javascript:alert(1)", "/%E2%80%AEgpj.exe",
    ]
    try withDashboard(map: Dashboard.mapFile(urls.map { ($0, 7) })) { dashboard in
      _ = try dashboard.site.get(
        "/none.html", ["Referer: https://example.com/\u{202E}gpj.exe?\u{200B}<b>\"x\"</b>"])
      let browser = try dashboard.opened()
      try browser.wait("document.querySelectorAll('#top-urls tbody tr').length === 5")
      #expect(Set(try browser.texts("#top-urls tbody th")) == Set(urls))
      try browser.wait(for: "/none.html", in: "#misses")
      #expect(
        try browser.text("#misses tbody small")
          == "from https://example.com/%E2%80%AEgpj.exe?%E2%80%8B<b>\"x\"</b>")
      #expect(
        try browser.value("document.querySelectorAll('main script, main img, main small b').length") == 0)
      #expect(try browser.value("document.title.includes('Relevo')") == true)

      try browser.click("#top-urls tbody tr:nth-child(1) button")
      try browser.wait(for: "Known, with 7 visits.", in: "#ask-found")
      try browser.click("#ask-go")
      try browser.wait("document.querySelectorAll('#top-urls tbody tr').length === 4")
      #expect(browser.complaints == [])
    }
  }

  @Test("opens the map's directories by keyboard, with no more rows than a screen is good for")
  func tree() throws {
    let many = (0..<120).flatMap { directory in (0..<3).map { ("/big/d\(directory)/\($0).html", 1) } }
    try withDashboard(map: Dashboard.mapFile(many + [("/small/a/b.html", 5)])) { dashboard in
      let browser = try dashboard.opened()
      try browser.wait(for: "big/", in: "#tree")
      #expect(try browser.texts("#tree tbody th") == ["big/", "small/"])
      try browser.run("document.querySelector('#tree button.open').focus()")

      try browser.press(.right)
      try browser.wait("document.querySelectorAll('#tree tbody tr').length > 2")
      #expect(try browser.value("document.querySelectorAll('#tree tbody tr').length") == 2 + 50 + 1)
      #expect(try browser.text("#tree tbody tr:nth-child(52) th") == "… 70 more")
      #expect(try browser.value("document.activeElement.getAttribute('aria-expanded')") == "true")

      try browser.press(.down)
      #expect(
        try browser.value("document.activeElement.closest('tr').item.path.startsWith('/big/d')") == true)
      try browser.press(.left)
      #expect(try browser.value("document.activeElement.closest('tr').item.path") == "/big/")
      try browser.press(.left)
      try browser.wait("document.querySelectorAll('#tree tbody tr').length === 2")
      try browser.press(.down)
      try browser.press(.enter)
      try browser.wait(for: "a/", in: "#tree tbody tr:nth-child(3)")
      #expect(browser.complaints == [])
    }
  }

  @Test("finds what is searched for, marked, and says when there is more or nothing")
  func search() throws {
    let map = Dashboard.mapFile((0..<60).map { ("/feria/\($0).html", $0) } + [("/otra/Casa.html", 3)])
    try withDashboard(map: map) { dashboard in
      let browser = try dashboard.opened()
      try browser.wait(for: "feria/", in: "#tree")
      try browser.click("#query")
      try browser.type("casa")
      try browser.wait(for: "/otra/Casa.html", in: "#found-urls")
      #expect(try browser.texts("#found-urls mark") == ["Casa"])
      #expect(try browser.text("#found-words") == "1 URL.")
      try browser.press(.escape)
      try browser.wait("document.querySelector('#found').hidden")
      try browser.type("FERIA")
      try browser.wait(
        for: "50 URLs, and there may be more: be more precise to see them.", in: "#found-words")
      try browser.press(.escape)
      try browser.type("nowhere")
      try browser.wait(for: "No known URL contains this.", in: "#found-words")
      #expect(browser.complaints == [])
    }
  }

  @Test("says of a site how many requests wait there")
  func queue() throws {
    let release = Gate()
    let busy = try ScriptedOrigin { exchange in
      try release.wait(.after(30))
      try exchange.answer(200, "home")
    }
    try withDashboard(new: busy, options: "max=1", "--queue-timeout", "30s") { dashboard in
      let clients = try (0..<3).map { _ in try Client(dashboard.site.relevo.port) }
      for client in clients { try client.request("/") }
      let browser = try dashboard.opened()
      try browser.wait(
        for: "new site: 1 of 1 serving, 2 requests queued · old server: 1 of 1 serving", in: "#servers-words")
      release.open()
      for client in clients { #expect(try client.answer().status == 200) }
      try browser.wait(for: "new site: 1 of 1 serving · old", in: "#servers-words")
      #expect(browser.complaints == [])
    }
  }

  @Test("drains a server only when it is told twice, and enables it again")
  func drain() throws {
    try withDashboard { dashboard in
      let browser = try dashboard.opened()
      let button = "#origins tbody tr:nth-child(1) .act button"
      try browser.click(button)
      try browser.wait("document.querySelector('#ask').open")
      #expect(try browser.text("#ask-words").contains("No other server of the new site is serving."))
      #expect(try browser.value("document.querySelector('#ask-go').disabled") == true)

      try browser.press(.escape)
      try browser.wait("!document.querySelector('#ask').open")
      #expect(try browser.value("document.activeElement === document.querySelector('\(button)')") == true)
      #expect(try dashboard.modes(browser) == ["ready", "ready"])

      try browser.click(button)
      try browser.click("#ask-sure-box")
      try browser.click("#ask-go")
      try browser.wait(for: "Draining", in: "#origins tbody tr:nth-child(1)")
      #expect(try dashboard.modes(browser) == ["drain", "ready"])
      #expect(try browser.text(button) == "Enable…")

      try browser.click(button)
      try browser.click("#ask-go")
      try browser.wait(for: "Up", in: "#origins tbody tr:nth-child(1)")
      #expect(try dashboard.modes(browser) == ["ready", "ready"])
      #expect(browser.complaints == [])
    }
  }

  @Test("removes a directory after it was said how much that is and confirmed, and a URL that is typed")
  func remove() throws {
    let map = Dashboard.mapFile([
      ("/docs/a.html", 4), ("/docs/b.html", 5), ("/keep/c.html", 1), ("/keep/d.html", 1),
    ])
    try withDashboard(map: map) { dashboard in
      let browser = try dashboard.opened()
      try browser.click("#tree button[aria-label='Remove /docs/']")
      try browser.wait(for: "2 URLs with 9 visits.", in: "#ask-found")
      #expect(try browser.value("document.querySelector('#ask-go').disabled") == true)
      try browser.click("#ask-sure-box")
      #expect(try browser.text("#ask-go") == "Remove 2 URLs")
      try browser.click("#ask-go")
      try browser.wait("document.querySelectorAll('#tree tbody tr').length === 1")

      try browser.click("#remove")
      try browser.click("#ask-input")
      try browser.type("/nothing.html")
      try browser.wait(for: "The map does not know it.", in: "#ask-found")
      #expect(try browser.value("document.querySelector('#ask-go').disabled") == true)
      try browser.run("document.querySelector('#ask-input').select()")
      try browser.type("/keep/c.html")
      try browser.wait(for: "Known, with 1 visit.", in: "#ask-found")
      try browser.press(.enter)
      try browser.wait("document.querySelectorAll('#top-urls tbody tr').length === 1")
      #expect(try browser.texts("#top-urls tbody th") == ["/keep/d.html"])
      #expect(browser.complaints == [])
    }
  }

  @Test("asks for the token, says when it is the wrong one, and keeps the right one for this tab")
  func token() throws {
    let folder = try TemporaryFolder()
    try folder.write("token", "f00d-beef-f00d-beef-f00d-beef-f00d-beef\n")
    chmod(folder.path("token"), 0o600)
    try withDashboard("--admin-token-file", folder.path("token")) { dashboard in
      let browser = try dashboard.opened()
      try browser.wait("document.querySelector('#token').open")
      try browser.press(.escape)
      try browser.wait(for: "Sign in", in: "#gone")
      try browser.click("#gone button")
      try browser.wait("document.querySelector('#token').open")
      try browser.type("wrong")
      try browser.press(.enter)
      try browser.wait(for: "This token was not accepted.", in: "#token-error")
      try browser.type("f00d-beef-f00d-beef-f00d-beef-f00d-beef")
      try browser.press(.enter)
      try browser.wait(for: "Ready", in: "#ready")

      try browser.open("\(dashboard.address)/?again")
      try browser.wait(for: "Ready", in: "#ready")
      #expect(try browser.value("document.querySelector('#token').open") == false)
      try browser.click("#forget-token")
      try browser.wait("document.querySelector('#token').open")
    }
  }

  @Test("leaves a name and a password to the browser, and can be signed in to later")
  func password() throws {
    let folder = try TemporaryFolder()
    // htpasswd -nbB -C 4 ana secret
    try folder.write("users", "ana:$2y$04$hbg9Obor3I1qM0UScWfwHeaC.bX3zXOs40FyulkbQUNG4laEgr2mW\n")
    try withDashboard(map: Dashboard.mapFile([("/a.html", 4)]), "--admin-user-file", folder.path("users")) {
      dashboard in
      let browser = try Browser()
      try browser.answerSignIn()
      try browser.open("\(dashboard.address)/")
      try browser.wait(for: "Sign in", in: "#gone")
      #expect(try browser.text("#gone").contains("a name and a password of --admin-user-file"))
      #expect(try browser.value("document.querySelector('#token').open") == false)

      try browser.answerSignIn("ana", "secret")
      try browser.click("#gone button")
      try browser.wait(for: "Ready", in: "#ready")
      try browser.wait(for: "/a.html", in: "#top-urls")
      // Changes are hers too.
      try browser.click("#top-urls tbody tr:nth-child(1) button")
      try browser.click("#ask-go")
      try browser.wait(for: "1 URL removed.", in: "#told")
    }
  }

  @Test("exports the map at the keyboard, in the format that was chosen, as a file with its name")
  func export() throws {
    let (folder, downloads) = (try TemporaryFolder(), try TemporaryFolder())
    let token = "f00d-beef-f00d-beef-f00d-beef-f00d-beef"
    try folder.write("token", token)
    chmod(folder.path("token"), 0o600)
    let map = Dashboard.mapFile([("/a.html", 4), ("/b.html", 0)])
    try withDashboard(map: map, "--admin-token-file", folder.path("token")) { dashboard in
      let browser = try dashboard.opened()
      try browser.keepDownloads(in: downloads)
      try browser.wait("document.querySelector('#token').open")
      try browser.type(token)
      try browser.press(.enter)
      try browser.wait(for: "Ready", in: "#ready")

      try browser.run("document.querySelector('#export').focus()")
      try browser.press(.enter)
      try browser.wait("document.querySelector('#ask').open")
      #expect(try browser.texts("#ask-choices label").first?.hasPrefix("CSV") == true)
      // From Cancel to the button that does it.
      try browser.press(.tab)
      try browser.press(.enter)
      try browser.wait(for: "relevo-urls.csv is there.", in: "#told")
      // Chromium makes the file before it fills it.
      func hasCome(_ name: String, _ isWhole: (String) -> Bool) -> Bool {
        eventually(within: .after(10)) { (try? downloads.read(name)).map(isWhole) == true }
      }
      #expect(
        hasCome("relevo-urls.csv") { text in
          text.components(separatedBy: "\r\n").map { $0.prefix { $0 != "," } } == [
            "url", "/a.html", "/b.html", "",
          ]
        })
      #expect(try browser.value("document.activeElement.id") == "export")

      try browser.press(.enter)
      try browser.wait("document.querySelector('#ask').open")
      try browser.run("document.querySelector('#ask-choices input').focus()")
      for choice in 1...2 {
        try browser.press(.down)
        // A key that comes before the one before it has been acted on is lost on a busy machine.
        try browser.wait("document.querySelectorAll('#ask-choices input')[\(choice)].checked")
      }
      try browser.press(.enter)
      try browser.wait(for: "relevo-haproxy.map is there.", in: "#told")
      #expect(hasCome("relevo-haproxy.map") { $0.contains("\n/a.html old\n/b.html old\n") })
    }
  }

  @Test("greys what it shows when Relevo is gone, says since when, and goes on when it is back")
  func gone() throws {
    let new = try ScriptedOrigin.pages(["/": "home"])
    let port = try Ports.free()
    let start = { try Relevo(new: [new], old: [new], flags: ["--admin", "127.0.0.1:\(port)"]) }
    let first = try start()
    let browser = try Browser()
    try browser.open("http://127.0.0.1:\(port)/")
    try browser.wait(for: "Ready", in: "#ready")
    try first.terminate()
    try browser.wait(for: "No answer from Relevo since ", in: "#gone")
    #expect(try browser.text("#ready") == "No answer")
    #expect(
      try Double(browser.value("getComputedStyle(document.querySelector('main')).opacity", as: String.self))!
        < 0.6)
    let second = try start()
    try browser.wait(for: "Ready", in: "#ready")
    try browser.wait("document.body.className === ''")
    #expect(try browser.text("#gone") == "")
    try second.terminate()
  }

  @Test("is told in names and landmarks, in an order of headings, and at the keyboard where one is")
  func accessible() throws {
    try withDashboard(map: Dashboard.mapFile([("/docs/a.html", 4)])) { dashboard in
      let browser = try dashboard.opened()
      try browser.wait(for: "docs/", in: "#tree")
      let nodes = try browser.accessible()
      let operable = [
        "button", "link", "textbox", "searchbox", "radio", "checkbox", "slider", "table", "region",
      ]
      #expect(nodes.filter { operable.contains($0.role) && $0.name.isEmpty }.map(\.role) == [])
      for landmark in ["banner", "main", "navigation", "search"] {
        #expect(nodes.count { $0.role == landmark } == 1, "\(landmark)")
      }
      #expect(nodes.count { $0.role == "slider" } == 2)
      #expect(
        try browser.value(
          """
          [...document.querySelectorAll("h1, h2, h3")].filter((node) => node.checkVisibility())
            .map((node) => Number(node.tagName[1])).every((level, index, all) => level <= (all[index - 1] ?? 0) + 1)
          """) == true)
      #expect(
        try browser.value(
          """
          [...document.querySelectorAll("[aria-labelledby], [aria-describedby], label[for]")].flatMap((node) =>
            ["aria-labelledby", "aria-describedby", "for"].map((name) => node.getAttribute(name)))
            .filter((id) => id && !document.getElementById(id))
          """, as: [String].self) == [])

      var stops: [String] = []
      for _ in 0..<60 {
        try browser.press(.tab)
        let stop: String = try browser.value(
          """
          (() => {
            const node = document.activeElement;
            if (node === document.body) return "";
            const shown = node.matches(".segments input") ? node.nextElementSibling : node;
            const { outlineStyle, outlineWidth } = getComputedStyle(shown);
            return `${node.id || node.className || node.name || node.hash || node.tagName} ${outlineStyle} ${outlineWidth}`;
          })()
          """)
        if stop.isEmpty { break }
        stops.append(stop)
      }
      #expect(stops.first?.hasPrefix("skip") == true)
      #expect(stops.filter { !$0.hasSuffix(" solid 2px") } == [])
      for part in ["share-chart", "rate-chart", "query", "export", "snapshot", "remove", "open"] {
        #expect(stops.contains { $0.hasPrefix(part) }, "\(part)")
      }
    }
  }

  @Test("has text that stands out, by day and by night", arguments: ["light", "dark"])
  func contrast(scheme: String) throws {
    try withDashboard(map: Dashboard.mapFile([("/docs/a.html", 4)])) { dashboard in
      _ = try dashboard.site.get("/none.html")
      let browser = try Browser()
      try browser.prefer(scheme)
      try browser.open(dashboard.address)
      try browser.wait(for: "docs/", in: "#tree")
      try browser.wait(for: "/none.html", in: "#misses")
      try browser.click("#range label:nth-of-type(3)")
      #expect(try browser.value(Self.faintTexts, as: [String].self) == [])
      try browser.click("#remove")
      #expect(try browser.value(Self.faintTexts, as: [String].self) == [])
    }
  }

  @Test("can be switched to dark and stays so")
  func theme() throws {
    try withDashboard { dashboard in
      let browser = try Browser()
      try browser.prefer("light")
      try browser.open(dashboard.address)
      let paper = "getComputedStyle(document.body).backgroundColor"
      let light: String = try browser.value(paper)
      try browser.click("#theme label:nth-of-type(3)")
      let dark: String = try browser.value(paper)
      #expect(light != dark)
      try browser.open("\(dashboard.address)?again")
      #expect(try browser.value(paper) == dark)
      #expect(browser.complaints == [])
    }
  }

  @Test("fits a phone of 360 pixels, with buttons that a finger hits")
  func phone() throws {
    let map = Dashboard.mapFile([("/docs/a.html", 4), ("/" + String(repeating: "long-", count: 80), 2)])
    try withDashboard(map: map) { dashboard in
      _ = try dashboard.site.get("/none.html")
      let browser = try Browser(width: 360, height: 800)
      try browser.resize(360, 800, isPhone: true)
      try browser.open(dashboard.address)
      try browser.wait(for: "docs/", in: "#tree")
      try browser.wait(for: "/none.html", in: "#misses")
      #expect(try browser.value("document.documentElement.scrollWidth") == 360)
      #expect(
        try browser.value(
          """
          [...document.querySelectorAll("button, input:not([type=radio])")].filter((node) => node.checkVisibility())
            .filter((node) => node.getBoundingClientRect().height < 24).map((node) => node.id || node.className)
          """, as: [String].self) == [])
    }
  }

  /// The texts whose contrast is below what WCAG 2.1 asks for at level AA.
  private static let faintTexts = """
    (() => {
      const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      const channels = (colour) => {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
        return [red, green, blue, alpha / 255];
      };
      const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
      const linear = (value) => value <= 10.0 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
      const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
      const ground = (node) => {
        const layers = [];
        for (let at = node; at; at = at.parentElement) {
          layers.push(channels(getComputedStyle(at).backgroundColor));
          if (layers.at(-1)[3] === 1) break;
        }
        return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
      };
      const faint = [];
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const node = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || !node.checkVisibility() || node.closest(".unseen, script, :disabled")) continue;
        const style = getComputedStyle(node);
        const below = ground(node);
        const colour = over(channels(node.closest("svg") ? style.fill : style.color), below);
        const [light, dark] = [luminance(colour), luminance(below)].sort((a, b) => b - a);
        const contrast = (light + 0.05) / (dark + 0.05);
        if (contrast < 4.5) faint.push(`${contrast.toFixed(2)} ${texts.currentNode.data}`);
      }
      return faint;
    })()
    """
}

/// Relevo with its admin plane, before a new site with a home page and an old one that has all but `/none…`.
private struct Dashboard {
  let site: Site
  /// Without a slash at the end.
  let address: String

  func opened() throws -> Browser {
    let browser = try Browser()
    try browser.open("\(address)/")
    return browser
  }

  /// What the API says that is wanted of the servers.
  func modes(_ browser: Browser) throws -> [String] {
    try browser.value(
      "fetch('/api/v1/origins').then((a) => a.json()).then(({ origins }) => origins.map((origin) => origin.mode))"
    )
  }

  /// A map file with these URLs and so many visits each.
  static func mapFile(_ entries: [(url: String, visits: Int)]) -> String {
    let now = Int(Date().timeIntervalSince1970)
    let sorted = entries.sorted { Bytes(text: $0.url).lexicographicallyPrecedes(Bytes(text: $1.url)) }
    let lines = sorted.map { "\($0.url) old \(now - 900) \(now - 90) \($0.visits)" }
    return MapFile.rewriting("# relevo url map 1\n# map-key path-query\n" + lines.joined(separator: "\n")) {
      $0
    }
  }
}

private func withDashboard(
  new: ScriptedOrigin? = nil, options: String? = nil, map: String? = nil, _ flags: String...,
  sourceLocation: SourceLocation = #_sourceLocation, _ test: (Dashboard) throws -> Void
) throws {
  let folder = try TemporaryFolder()
  if let map { try folder.write("urls.map", map) }
  let new = try new ?? .pages(["/": "home"])
  let server: any Origin = options.map { WithOptions(new, $0) as any Origin } ?? new
  let old = try ScriptedOrigin { exchange in
    try exchange.target.hasPrefix("/none") ? exchange.answer(404) : exchange.answer(200, "old")
  }
  let admin = ["--map-file", folder.path("urls.map"), "--admin", "127.0.0.1:0"] + flags
  try withRelevo(new: [server], old: [old], flags: admin, sourceLocation: sourceLocation) { relevo in
    let start = "the admin plane listens on "
    let line = try relevo.process.errors.wait("where the admin plane listens") { $0.contains(start) }[0]
    let address = line.components(separatedBy: start)[1].prefix { $0 != " " && $0 != "\"" }
    try test(Dashboard(site: Site(new: new, old: old, relevo: relevo), address: "http://\(address)"))
  }
}
