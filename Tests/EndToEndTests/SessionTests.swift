import Foundation
import Testing

/// Two sites with a PHPSESSID each, behind one name.
@Suite("Sessions of both sites")
struct SessionTests {
  static let newPages = ["/", "/cuenta"]
  static let oldPages = ["/tienda", "/cesta"]

  /// Visits both sites in turn, after a login to each, and tells what each visit showed.
  func visits(_ relevo: Relevo, _ paths: [String]) throws -> [String] {
    let folder = try TemporaryFolder()
    return try paths.map { path in
      try Tools.curl(
        "-b", folder.path("jar"), "-c", folder.path("jar"), "http://127.0.0.1:\(relevo.port)\(path)"
      ).text
    }
  }

  static let walk = [
    "/", "/tienda", "/cuenta?user=ana", "/cesta?user=eva", "/", "/tienda", "/cuenta", "/cesta",
  ]

  @Test(
    "wreck each other when both set a cookie of one name: curl is logged out of the new site by the old one's login"
  )
  func clash() throws {
    let (new, old) = (
      try SessionServer("new", pages: Self.newPages), try SessionServer("old", pages: Self.oldPages)
    )
    try withRelevo(new: [new], old: [old]) { (relevo) throws in
      let seen = try visits(relevo, Self.walk)
      #expect(seen[2] == "new: visit 2 of ana" && seen[3].hasSuffix("of eva"))
      #expect(seen[4] == "new: visit 1 of nobody", "the id is the old site's now")
    }
  }

  @Test("both live on side by side with a prefix for the old one's cookies")
  func sideBySide() throws {
    let (new, old) = (
      try SessionServer("new", pages: Self.newPages), try SessionServer("old", pages: Self.oldPages)
    )
    try withRelevo(new: [new], old: [old], "--old-cookie-prefix", "old_") { (relevo) throws in
      #expect(
        try visits(relevo, Self.walk) == [
          "new: visit 1 of nobody", "old: visit 1 of nobody", "new: visit 2 of ana", "old: visit 2 of eva",
          "new: visit 3 of ana", "old: visit 3 of eva", "new: visit 4 of ana", "old: visit 4 of eva",
        ])
    }
  }

  @Test("a browser keeps both, and takes the old one's cookie whose Domain is the old server's own address")
  func browser() throws {
    let script = """
      <!doctype html><meta charset=utf-8><title>walk</title><pre id=seen>walking</pre><script>
      (async () => {
        const seen = [];
        for (const path of \(Self.walk)) seen.push(await (await fetch(path)).text());
        document.getElementById("seen").textContent = "[" + seen.join("|") + "]";
      })();
      </script>
      """
    let new = try SessionServer("new", pages: Self.newPages, documents: ["/walk": script])
    let old = try SessionServer(
      "old", pages: Self.oldPages, attributes: "Path=/; Domain=old.internal; SameSite=Lax; Max-Age=3600")
    try withRelevo(
      new: [new], old: [old], "--old-cookie-prefix", "old_", "--old-host", "old.internal"
    ) { relevo in
      let folder = try TemporaryFolder()
      let output = try Tools.run(
        "/usr/bin/chromium",
        [
          "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
          "--disable-background-networking", "--user-data-dir=\(folder.path("profile"))",
          "--virtual-time-budget=15000", "--dump-dom", "http://127.0.0.1:\(relevo.port)/walk",
        ], .after(60))
      #expect(
        output.text.between("[", "]")
          == [
            "new: visit 1 of nobody", "old: visit 1 of nobody", "new: visit 2 of ana", "old: visit 2 of eva",
            "new: visit 3 of ana", "old: visit 3 of eva", "new: visit 4 of ana", "old: visit 4 of eva",
          ].joined(separator: "|"))
    }
  }
}
