import Testing

@testable import URLMap

private func rules(old: [String] = [], new: [String] = []) throws -> PathRules {
  try PathRules(
    old.map { try PathRule($0, .alwaysOld, source: "--always-old") }
      + new.map { try PathRule($0, .alwaysNew, source: "--always-new") })
}

extension PathRules {
  fileprivate func site(for path: String) -> PathRule.Site? {
    var room: [UInt8] = []
    return site(for: Array(path.utf8).span.bytes, room: &room)
  }
}

@Suite("rules about paths")
struct PathRulesTests {
  @Test("the longest prefix holds, whatever the order of the rules")
  func longest() throws {
    let old = ["/", "/a/b/", "/a/b/c/d/", "/x"]
    let new = ["/a/", "/a/b/c/", "/xy"]
    for rules in [
      try rules(old: old, new: new), try rules(old: old.reversed(), new: new.reversed()),
    ] {
      let expected: [(String, PathRule.Site)] = [
        ("/", .alwaysOld), ("/b", .alwaysOld), ("/a/", .alwaysNew), ("/a/x", .alwaysNew),
        ("/a/b/x", .alwaysOld),
        ("/a/b/c/x", .alwaysNew), ("/a/b/c/d/x", .alwaysOld), ("/x", .alwaysOld), ("/xa", .alwaysOld),
        ("/xy", .alwaysNew), ("/xyz", .alwaysNew),
      ]
      for (path, site) in expected { #expect(rules.site(for: path) == site, "\(path)") }
    }
  }

  @Test("a prefix is compared as text; one with a slash at its end speaks for the path without it too")
  func asText() throws {
    let rules = try rules(old: ["/css/", "/img", "/one.html"])
    for path in ["/css", "/css/", "/css/a.css", "/img", "/img/a", "/img2", "/one.html", "/one.html5"] {
      #expect(rules.site(for: path) == .alwaysOld, "\(path)")
    }
    for path in ["/", "/cs", "/css2", "/CSS/", "/im", "/one.htm", "/a/css/", "//css/", "/.css/"] {
      #expect(rules.site(for: path) == nil, "\(path)")
    }
  }

  @Test(
    "an always-old may go on with a query, speaks for that path alone then, and is longer than any rule of it"
  )
  func queries() throws {
    let both = try rules(old: ["/?p=", "/%7Ea?x=%7e", "/shop/?"], new: ["/", "/shop/"])
    for target in ["/?p=7", "/?p=", "/~a?x=~1", "/%7ea?x=%7E", "/shop/?", "/shop/?a=1"] {
      #expect(both.site(for: target) == .alwaysOld, "\(target)")
    }
    for target in [
      "/", "/?q=1", "/?P=7", "/a?p=7", "/?x&p=7", "/~a", "/shop/", "/shop?a=1", "/%3Fp=7", "//?p=7",
    ] {
      #expect(both.site(for: target) == .alwaysNew, "\(target)")
    }
    #expect(try rules(old: ["/?p="]).site(for: "/?p=1") == .alwaysOld)
    #expect(try rules(old: ["/?p="]).site(for: "/") == nil)
    #expect(
      try rules(old: ["/a"]).site(for: "/a?b") == .alwaysOld, "a path's rule is about all of its queries")
  }

  @Test(
    "what no request has, or servers read differently, makes no rule with a query either",
    arguments: ["/?a#b", "/a%3Fb?c", "/a;b?c", "//?a", "/a/../?b", "/..?b", "?a"])
  func badQueries(prefix: String) {
    #expect(throws: BadPrefix.self) { try PathRule(prefix, .alwaysOld, source: "") }
  }

  @Test("percent-encodings of one path are one path, in rules and in requests")
  func encodings() throws {
    let rules = try rules(old: ["/%7euser/", "/café/", "/a b/", "/x%2fy/"])
    for path in ["/~user/", "/%7Eus%65r/x", "/caf%c3%A9/x", "/a%20b/", "/x%2Fy/"] {
      #expect(rules.site(for: path) == .alwaysOld, "\(path)")
    }
    #expect(rules.site(for: "/x/y/") == nil)
  }

  static let evasions = [
    "/wp-admin", "/wp-admin/", "/wp-admin/x", "/WP-Admin/", "/wp%2dadmin/", "/wp%2Dadmin/", "/%77%70-admin/",
    "/%57P-ADMIN/", "//wp-admin/", "/./wp-admin/", "/x/../wp-admin/", "/x/%2e%2e/wp-admin/",
    "/x/.%2E/wp-admin",
    "/x/y/../../wp-admin/", "/../wp-admin/", "/wp-admin%2fx", "/%2fwp-admin/", "/x%2f..%2fwp-admin/",
    "/wp-admin%5cx",
    "/wp-admin\\x", "\\wp-admin", "/\\wp-admin/", "/%5Cwp-admin/", "/x\\..\\wp-admin/", "/wp-admin;a=b/x",
    "/wp-admin;",
    "/;x/wp-admin/", "/..;/wp-admin/", "/x/..;y/wp-admin/", "/wp-admin/..;/x", "//wp-admin/..;/x",
    "/wp-admin/../x",
    "/wp-admin/%2e%2e/x", "/wp-admin%00", "/wp-admin%00.html", "/wp-admin%3Fx", "/wp-admin%3fx/../y",
    "/wp-admin%23",
    "/x%3F/../wp-admin/", "/wp-admin./", "/wp-admin%20/", "/wp-admin.%20./x", "/x/..%20/wp-admin/",
    "/x/.../../wp-admin/",
    "/css/../wp-admin/", "/.;/wp-admin", "/wp-admin/.", "/wp-admin/./././x",
  ]

  @Test("always new is not evaded by another writing of the path", arguments: evasions)
  func evaded(path: String) throws {
    #expect(try rules(old: ["/css/"], new: ["/wp-admin/"]).site(for: path) == .alwaysNew)
    #expect(try rules(old: ["/"], new: ["/WP-Admin/"]).site(for: path) == .alwaysNew)
  }

  @Test(
    "always new takes no other paths along",
    arguments: [
      "/", "/wp", "/wp-admi", "/wp-admin2/", "/wp-adminx", "/x/wp-admin/", "/wp/admin/", "/wp-admin%252f",
      "/wp_admin/",
      "/x;/wp-admin2", "/wp-content/..wp-admin/", "/wp-content/wp-admin/..",
    ])
  func others(path: String) throws {
    #expect(try rules(new: ["/wp-admin/"]).site(for: path) == nil)
  }

  @Test("an exception inside of what is always new holds, but for paths that step up out of it")
  func exception() throws {
    let rules = try rules(old: ["/admin/css/"], new: ["/admin/"])
    #expect(rules.site(for: "/admin/css/a.css") == .alwaysOld)
    #expect(rules.site(for: "/admin/css/b/../a.css") == .alwaysOld)
    #expect(rules.site(for: "/admin/css/../a.css") == .alwaysNew)
    #expect(rules.site(for: "/admin/css;/../a.css") == .alwaysNew)
    #expect(rules.site(for: "/admin/css2") == .alwaysNew)
  }

  @Test("a path of a file that begins with a dot is found")
  func dotFiles() throws {
    let rules = try rules(new: ["/.git", "/.env"])
    for path in ["/.git/config", "/.gitignore", "/.GIT/", "/%2egit/", "/.env", "/x/../.env", "/.env.local"] {
      #expect(rules.site(for: path) == .alwaysNew, "\(path)")
    }
    #expect(rules.site(for: "/git") == nil)
  }

  @Test("without rules there is none")
  func none() throws {
    #expect(PathRules.none.isEmpty)
    #expect(PathRules.none.site(for: "/a") == nil)
    #expect(try rules(old: ["/a"]).isEmpty == false)
    #expect(try rules(new: ["/"]).site(for: "") == .alwaysNew)
  }

  @Test(
    "one prefix cannot be both, in another writing neither",
    arguments: [("/a/", "/a/"), ("/a/", "/A/"), ("/%61/", "/a/"), ("/a%2Fb", "/a/b")])
  func conflicts(old: String, new: String) throws {
    do {
      _ = try rules(old: ["/b", old], new: ["/c", new])
      Issue.record("both were taken")
    } catch let error as ConflictingRules {
      #expect(error.description.contains("--always-old and --always-new"))
      #expect(error.description.contains(old))
      #expect(error.description.contains(new))
    }
    #expect(try rules(old: [old, old]).site(for: old) == .alwaysOld)
  }

  @Test(
    "what is no path, or one that servers read differently, makes no rule",
    arguments: [
      "", "a", "a/", "http://x/", "/a?b", "/a#b", "/a;b", "/a\\b", "/a%5cb", "/a%00", "//", "/a//b", "/./a",
      "/a/../b",
      "/a/%2e%2e/b", "/a/./", "/" + String(repeating: "a", count: 1024),
    ])
  func badPrefixes(prefix: String) {
    #expect(throws: BadPrefix.self) { try PathRule(prefix, .alwaysNew, source: "") }
  }

  @Test("thousands of random prefixes are found as a search through all of them finds them")
  func model() throws {
    var random = SeededGenerator(seed: 7)
    func word() -> String {
      (0..<Int.random(in: 1...3, using: &random)).map { _ in
        "/" + ["a", "ab", "abc", "b", "c.d", ""].randomElement(using: &random)!
      }.joined()
    }
    for count in [1, 2, 5, 50, 400] {
      let prefixes = Set((0..<count).map { _ in word() }).filter { !$0.contains("//") }
      let trie = PrefixTrie(Dictionary(uniqueKeysWithValues: prefixes.map { (Array($0.utf8), $0) }))
      for _ in 0..<400 {
        let path = word() + word()
        let expected = prefixes.filter(path.hasPrefix).max { $0.utf8.count < $1.utf8.count }
        let found = trie.value(of: Array(path.utf8).span.bytes)
        #expect(found == expected, "\(path)")
      }
    }
  }

  @Test("random bytes never trap")
  func randomBytes() throws {
    var random = SeededGenerator(seed: 9)
    let rules = try rules(old: ["/", "/a/", "/a?b"], new: ["/b", "/%C3"])
    let bytes = Array("/.;\\%%25aAbB20cC?# ".utf8) + [0, 0xFF]
    var room: [UInt8] = []
    for _ in 0..<20_000 {
      let path = (0..<Int.random(in: 0...12, using: &random)).map { _ in bytes.randomElement(using: &random)!
      }
      _ = rules.site(for: path.span.bytes, room: &room)
      _ = try? PathRule(String(decoding: path, as: UTF8.self), .alwaysOld, source: "")
    }
  }
}
