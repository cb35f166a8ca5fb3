import Foundation
import Testing

/// `relevo map import`, as an operator runs it.
@Suite("Importing into a map file")
struct MapImportTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  func relevo(_ arguments: String...) throws -> Tools.Output {
    try Tools.run(Relevo.binary, ["map"] + arguments + ["--map-file", folder.path("urls.map")])
  }

  @Test("URLs of several files become known, and a visit goes straight to the old site")
  func imports() throws {
    try folder.write("list.txt", "http://www.example.com/a?x=1&utm_source=y\n/b\n")
    try folder.write(
      "access.log", "h - - [10/Oct/2026:13:55:36 +0200] \"GET /c HTTP/1.1\" 200 1 \"-\" \"-\"\n")
    try folder.write("old.map", "/b old\n/d old\n")
    let run = try relevo("import", folder.path("list.txt"), folder.path("access.log"), folder.path("old.map"))
    #expect(run.exit == .code(0), "\(run.errors)")
    #expect(run.text == "added 4 URLs; 1 known already")
    #expect(run.errors == "")
    let list = try relevo("list")
    #expect(
      list.text.split(separator: "\n").map { $0.split(separator: "\t").last } == ["/a?x=1", "/b", "/c", "/d"])
    #expect(list.text.contains("1\t2026-10-10T11:55:36Z\t2026-10-10T11:55:36Z\t/c"))
    let old = try ScriptedOrigin.always(200, "old")
    try withRelevo(
      new: [RefusedPort()], old: [old], "--map-file", folder.path("urls.map"), "--debug-headers"
    ) { relevo in
      let answer = try Client(relevo.port).get("/d")
      #expect(answer["X-Relevo-Route"] == "old-map")
    }
  }

  @Test("twenty problems are told, and how many more there are; the rest is taken")
  func problems() throws {
    try folder.write("list.txt", "/a\n" + String(repeating: "x\n", count: 25) + "/b\n")
    let run = try relevo("import", folder.path("list.txt"))
    #expect(run.exit == .code(0))
    #expect(run.text == "added 2 URLs; 25 not taken")
    let lines = run.errors.split(separator: "\n")
    #expect(lines.count == 21)
    #expect(
      lines.first.map(String.init)
        == "relevo: not taken: \(folder.path("list.txt")), line 2: it is neither a path nor a URL of http or https"
    )
    #expect(lines.last == "relevo: not taken: 5 more")
  }

  @Test("a strict import with a problem ends with 65 and changes nothing")
  func strict() throws {
    try folder.write("good.txt", "/a\n")
    try folder.write("bad.txt", "/b\nx\n")
    #expect(try relevo("import", folder.path("good.txt")).exit == .code(0))
    let before = try folder.read("urls.map")
    let run = try relevo("import", "--strict", folder.path("bad.txt"))
    #expect(run.exit == .code(65))
    #expect(run.errors.contains("bad.txt, line 2: "))
    #expect(try folder.read("urls.map") == before)
  }

  @Test("a file that is not there is 66, and nothing is changed")
  func missing() throws {
    try folder.write("good.txt", "/a\n")
    let run = try relevo("import", folder.path("good.txt"), folder.path("none"))
    #expect(run.exit == .code(66))
    #expect(run.errors.contains("none") && !folder.exists("urls.map"))
  }

  @Test("a map that a running Relevo keeps is 75, with what to do")
  func locked() throws {
    try folder.write("good.txt", "/a\n")
    try withRelevo(
      new: [RefusedPort()], old: [RefusedPort()], "--map-file", folder.path("urls.map")
    ) { _ in
      let run = try relevo("import", folder.path("good.txt"))
      #expect(run.exit == .code(75))
      #expect(run.errors.contains("stop it"))
    }
  }

  @Test("an export is an import's equal")
  func roundTrip() throws {
    let urls = MapExportTests.urls
    try folder.write("list.txt", urls.joined(separator: "\n"))
    let count = Set(urls).count
    #expect(try relevo("import", folder.path("list.txt")).text.hasPrefix("added "))
    let exported = try relevo("export", "--format", "haproxy", "--output", folder.path("out.map"))
    #expect(exported.exit == .code(0), "\(exported.errors)")
    let again = try Tools.run(
      Relevo.binary, ["map", "import", folder.path("out.map"), "--map-file", folder.path("second.map")])
    #expect(again.errors == "")
    let lists = try ["urls.map", "second.map"].map { map in
      try Tools.run(Relevo.binary, ["map", "list", "--map-file", folder.path(map)]).text
        .split(separator: "\n").map { $0.split(separator: "\t").last }
    }
    #expect(lists[0] == lists[1] && lists[0].count > count / 2)
  }
}
