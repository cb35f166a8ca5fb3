import MapQueries
import Testing
import URLMap

@testable import relevo

@Suite("what lookup says")
struct LookupAnswerTests {
  private func lines(
    _ entry: MapEntry?, rule: PathRule.Site? = nil, recheckAfter: UInt32 = 86_400,
    now: UInt32 = 1_763_912_535
  ) -> [String] {
    LookupAnswer(
      key: Array("/a?b".utf8), entry: entry, rule: rule,
      recheckAge: RecheckAge(meanSeconds: recheckAfter), now: now
    ).lines
  }

  @Test("a rule decides, whether the URL is known or not")
  func rules() {
    for entry in [nil, MapEntry(learnedAt: 1, lastUsedAt: 1, hits: 0)] {
      #expect(
        lines(entry, rule: .alwaysNew).last
          == "request   asks the new site and never the old one: there is an always-new for it")
      #expect(
        lines(entry, rule: .alwaysOld).last
          == "request   asks the old site first, and the new one if that does not have it: there is an always-old for it"
      )
    }
  }

  @Test("an unknown URL asks the new site first")
  func unknown() {
    #expect(
      lines(nil) == [
        "key       /a?b", "known     no",
        "request   asks the new site first, and the old one if that does not have it",
      ])
  }

  @Test("a known URL goes to the old site at once until its recheck, whose time is told")
  func known() throws {
    let answer = lines(MapEntry(learnedAt: 1_763_912_235, lastUsedAt: 1_763_912_530, hits: 1234))
    #expect(
      answer.prefix(3) == [
        "key       /a?b", "known     since 2025-11-23T15:37:15Z, 5 minutes ago",
        "visits    1,234, the last 2025-11-23T15:42:10Z, 5 seconds ago",
      ])
    let fate = try #require(answer.last)
    #expect(fate.hasPrefix("request   goes to the old site at once; from 2025-11-2"))
    #expect(fate.hasSuffix("Z on, the next one asks the new site once more"))
  }

  @Test("the time that is told is the one from which on the recheck is due")
  func dueTime() {
    let key = Array("/a?b".utf8)
    for mean in [0, 1, 7, 86_400, 31_536_000] as [UInt32] {
      let age = RecheckAge(meanSeconds: mean)
      let entry = MapEntry(learnedAt: 1000, lastUsedAt: 1000, hits: 0)
      let due = 1000 + UInt32(age.seconds(of: key.span.bytes))
      let isDue = age.isDue(entry, key: key.span.bytes, at: due)
      let isDueBefore = age.isDue(entry, key: key.span.bytes, at: due - 1)
      #expect(isDue, "\(mean)")
      #expect(!isDueBefore, "\(mean)")
    }
  }

  @Test("an old entry asks the new site once more")
  func due() {
    let answer = lines(MapEntry(learnedAt: 1_763_812_235, lastUsedAt: 1_763_812_235, hits: 0))
    #expect(
      answer.suffix(2) == [
        "visits    none since then",
        "request   asks the new site once more, and the old one if that still does not have it",
      ])
  }
}

@Suite("the URLs that a subcommand is given")
struct URLInputTests {
  private func urls(_ arguments: [String], lines: [String] = []) throws -> [String] {
    var rest = lines[...]
    var keys: [String] = []
    try URLInput(arguments, nextLine: { rest.popFirst() }).forEach { text throws(BadURL) in
      try KeyScheme().key(parsing: text)
    } use: {
      keys.append(String(decoding: $0, as: UTF8.self))
    }
    return keys
  }

  @Test("arguments and lines come in their order, without comments, empty lines and line ends")
  func order() throws {
    #expect(
      try urls(["/1", "-", "/4"], lines: ["/2\r", "", "# no", "http://h/3?utm_source=x"])
        == ["/1", "/2", "/3", "/4"])
  }

  @Test("a bad argument is named, with 64")
  func badArgument() {
    #expect {
      try urls(["/a", "b"])
    } throws: { error in
      guard let failure = error as? CommandFailure else { return false }
      return failure.code == 64
        && failure.description.hasPrefix("the URL 'b' cannot be used: write a path")
    }
  }

  @Test("a bad line is named by its number, with 65", arguments: ["b", "/\u{FFFD}", "/\t"])
  func badLine(line: String) {
    #expect {
      try urls(["-"], lines: ["/a", "", line])
    } throws: { error in
      guard let failure = error as? CommandFailure else { return false }
      return failure.code == 65 && failure.description.hasPrefix("standard input, line 3: ")
    }
  }

  @Test("a key is made as the map's own are")
  func keys() throws {
    let url = try RequestedURL(parsing: "https://WWW.example.com/%7ea?id=1&gclid=2")
    let keys = try KeyScheme.Parts.allCases.map { parts in
      String(decoding: try KeyScheme(parts).key(of: url), as: UTF8.self)
    }
    #expect(keys == ["/~a", "/~a?id=1", "www.example.com/~a", "www.example.com/~a?id=1"])
  }

  @Test("where keys have a host a bare path is refused, and so is what is too long")
  func noKey() {
    #expect(throws: BadURL.self) { try KeyScheme(.hostPath).key(parsing: "/a") }
    #expect(throws: BadURL.self) { try KeyScheme().key(parsing: "/" + String(repeating: "a", count: 8192)) }
  }
}
