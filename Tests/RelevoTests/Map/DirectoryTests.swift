import Testing
import URLMap

@testable import relevo

@Suite("the tree of directories")
struct DirectoryTests {
  /// The tree of the map with these keys, and so many visits each.
  private func tree(
    _ keys: [(String, visits: Int)], by order: Directory.Order = .urls,
    limit: Int = DirectoryTreeBuilder.limit
  ) -> Directory {
    var builder = DirectoryTreeBuilder(by: order, limit: limit)
    for (key, visits) in keys.sorted(by: { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }) {
      let bytes = Array(key.utf8)
      builder.add(bytes.span.bytes, MapEntry(learnedAt: 1, lastUsedAt: 1, hits: UInt32(visits)))
    }
    return builder.finish()
  }

  private func tree(_ keys: String..., by order: Directory.Order = .urls) -> Directory {
    tree(keys.map { ($0, visits: 0) }, by: order)
  }

  /// A directory in a line: its name, URLs, and what is below in parentheses.
  private func sketch(_ directory: Directory) -> String {
    var below = directory.directories.map(sketch)
    if directory.folded.directories > 0 {
      below.append("+\(directory.folded.directories):\(directory.folded.tally.urls)")
    }
    let name = String(decoding: directory.name, as: UTF8.self)
    return "\(name):\(directory.tally.urls)" + (below.isEmpty ? "" : "(\(below.joined(separator: " ")))")
  }

  @Test("a directory counts what is below it, and the largest comes first")
  func counts() {
    let root = tree("/", "/a/1", "/b/1", "/b/2", "/b/c/1", "/b/c/2", "/b/c/3", "/page")
    #expect(sketch(root) == "/:8(b/:5(c/:3) a/:1)")
    #expect(root.own.urls == 2)
    #expect(root.directories[0].own.urls == 2)
  }

  @Test("a slash behind the question mark makes no directory")
  func queries() {
    #expect(sketch(tree("/a/b?x=/c/d", "/a/b?y=/", "/a?/z/", "/x")) == "/:4(a/:2)")
  }

  @Test("directories with nothing beside them are told as one")
  func joined() {
    #expect(sketch(tree("/usr/share/doc/a/1", "/usr/share/doc/b/1")) == "/usr/share/doc/:2(a/:1 b/:1)")
    #expect(sketch(tree("/usr/share/doc/a/1", "/usr/x")) == "/usr/:2(share/doc/a/:1)")
  }

  @Test("directories whose names go on in a neighbour's are told apart, whatever the order of the bytes")
  func neighbours() {
    #expect(
      sketch(tree("/a", "/a-b/1", "/a-b/2", "/a/1", "/a0/1", "/a.html", "/a/b/1"))
        == "/:7(a-b/:2 a/:2(b/:1) a0/:1)")
  }

  @Test("keys with hosts have the hosts at their root")
  func hosts() {
    #expect(
      sketch(tree("www.example.com/a", "www.example.com/b/1", "old.example.com/a"))
        == ":3(www.example.com/:2(b/:1) old.example.com/:1)")
  }

  @Test("an empty map has an empty root, and slashes alone do no harm")
  func odd() {
    #expect(sketch(tree()) == ":0")
    #expect(sketch(tree("//", "///", "/")) == "/:3(/:2(/:1))")
    #expect(sketch(tree("nothing")) == ":1")
    let deep = "/" + String(repeating: "d/", count: 100)
    #expect(tree(deep + "1", deep + "2").tally.urls == 2)
  }

  @Test("by visits the most visited comes first")
  func byVisits() {
    let root = tree([("/a/1", 0), ("/a/2", 1), ("/b/1", 9), ("/c/1", 1)], by: .visits)
    #expect(sketch(root) == "/:4(b/:1 a/:2 c/:1)")
    #expect(root.tally == Tally(urls: 4, visits: 11))
  }

  @Test("folding keeps the largest of the whole tree and counts the rest")
  func folding() {
    var root = tree("/a/1", "/a/2", "/a/3", "/b/1", "/b/2", "/b/c/1", "/d/1", "/e/1")
    root.fold(to: 2, by: .urls)
    #expect(sketch(root) == "/:8(a/:3 b/:3(+1:1) +2:2)")
    root.fold(to: 1, by: .urls)
    #expect(sketch(root) == "/:8(a/:3 +3:5)")
    root.fold(to: 0, by: .urls)
    #expect(sketch(root) == "/:8(+4:8)")
  }

  @Test("cutting leaves out what lies deeper, and it goes on being counted")
  func cutting() {
    var root = tree("/a/b/c/1", "/a/b/1", "/a/1", "/1")
    root.cut(toDepth: 2)
    #expect(sketch(root) == "/:4(a/:3(b/:2))")
    root.cut(toDepth: 0)
    #expect(sketch(root) == "/:4")
  }

  @Test("however little is kept while it is gathered, the counts are right and the largest are there")
  func bounded() {
    var keys: [(String, visits: Int)] = []
    for directory in 0..<200 {
      for page in 0...directory % 7 { keys.append(("/d\(directory)/s\(page)/p", visits: directory)) }
    }
    keys += (0..<50).map { ("/large/\($0)", visits: 1) }
    let whole = tree(keys)
    for limit in [1, 5, 50] {
      var root = whole
      root.fold(to: limit, by: .urls)
      let bounded = tree(keys, limit: limit)
      #expect(bounded.count == limit)
      #expect(bounded.tally == whole.tally)
      #expect(bounded.folded.directories + bounded.directories.count == 201)
      #expect(bounded.directories.map(\.tally.urls) == root.directories.map(\.tally.urls))
    }
  }
}

@Suite("the tree in text")
struct TreePictureTests {
  private func directory(_ name: String, urls: Int, visits: Int, _ below: Directory...) -> Directory {
    var directory = Directory(name: Array(name.utf8))
    directory.tally = Tally(urls: urls, visits: visits)
    directory.directories = below
    return directory
  }

  private var root: Directory {
    var root = directory(
      "/", urls: 1000, visits: 40,
      directory("news/", urls: 500, visits: 0, directory("2011/", urls: 3, visits: 0)),
      directory("shop/", urls: 4, visits: 10))
    root.folded = Directory.Folded(directories: 312, tally: Tally(urls: 12, visits: 1))
    return root
  }

  @Test("branches, figures and bars stand below each other")
  func unicode() {
    #expect(
      TreePicture(root: root, columns: 60, glyphs: .unicode).lines == [
        "DIRECTORY       URLs                 VISITS",
        "/              1,000  █████████████      40  █████████████",
        "├─ news/         500  ██████▌             0",
        "│  └─ 2011/        3  ▏                   0",
        "├─ shop/           4  ▏                  10  ███▎",
        "└─ … 312 more     12  ▏                   1  ▎",
      ])
  }

  @Test("a locale without UTF-8 gets ASCII")
  func ascii() {
    let lines = TreePicture(root: root, columns: 60, glyphs: .ascii).lines
    #expect(lines[2] == "|- news/           500  ######             0")
    #expect(lines[3] == "|  `- 2011/          3  #                  0")
    #expect(lines.allSatisfy { $0.utf8.allSatisfy { $0 < 0x7F } })
  }

  @Test("no line is wider than the terminal", arguments: [50, 60, 80, 100, 200])
  func width(columns: Int) {
    var wide = root
    wide.directories[0].name = Array((String(repeating: "long", count: 200) + "/").utf8)
    for glyphs in [Glyphs.unicode, .ascii] {
      for line in TreePicture(root: wide, columns: columns, glyphs: glyphs).lines {
        #expect(line.count < columns, "\(line)")
      }
    }
  }

  @Test("a name that is too long keeps its beginning and its end")
  func longName() {
    var wide = root
    wide.directories[0].name = Array(("b" + String(repeating: "-", count: 200) + "end/").utf8)
    let line = TreePicture(root: wide, columns: 60, glyphs: .unicode).lines[2]
    #expect(line.contains("├─ b--") && line.contains("…") && line.contains("end/ "))
  }

  @Test("a directory whose directories are all folded has no line for them")
  func allFolded() {
    var root = directory("/", urls: 5, visits: 0)
    root.folded = Directory.Folded(directories: 5, tally: Tally(urls: 5, visits: 0))
    #expect(TreePicture(root: root, columns: 60, glyphs: .unicode).lines.count == 2)
  }

  @Test("a bar is as long as its share; something is never nothing")
  func bars() {
    #expect(Glyphs.unicode.bar(0, of: 10, width: 4) == "")
    #expect(Glyphs.unicode.bar(1, of: 1_000_000, width: 4) == "▏")
    #expect(Glyphs.unicode.bar(1, of: 2, width: 4) == "██")
    #expect(Glyphs.unicode.bar(10, of: 10, width: 4) == "████")
    #expect(Glyphs.unicode.bar(11, of: 10, width: 4) == "████")
    #expect(Glyphs.ascii.bar(3, of: 8, width: 4) == "#")
    #expect(Glyphs.ascii.bar(0, of: 0, width: 4) == "")
  }

  @Test("the locale decides about the characters")
  func locale() {
    #expect(Terminal.takesUnicode(["LANG": "de_DE.UTF-8"]))
    #expect(Terminal.takesUnicode(["LC_ALL": "", "LANG": "C.utf8"]))
    #expect(!Terminal.takesUnicode(["LC_ALL": "C", "LANG": "de_DE.UTF-8"]))
    #expect(!Terminal.takesUnicode(["LANG": "de_DE.ISO-8859-1"]))
    #expect(!Terminal.takesUnicode([:]))
  }
}
