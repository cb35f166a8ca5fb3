import MapQueries
import Testing
import URLMap

@testable import relevo

/// A map with these keys, learned in this order, each visited so often.
func map(_ keys: (String, visits: Int)...) -> URLMap { map(keys) }

func map(_ keys: [(String, visits: Int)], learnedAt: UInt32 = 1000) -> URLMap {
  let map = URLMap(URLMap.Configuration(maxURLs: 1_000_000))
  for (index, (key, _)) in keys.enumerated() {
    // The queue of changes has room for a few hundred long keys at once.
    if index % 256 == 0 { map.waitUntilApplied() }
    learn(key, in: map, at: learnedAt)
  }
  map.waitUntilApplied()
  let reader = map.makeReader()
  for (key, visits) in keys {
    for visit in 0..<visits { visited(key, by: reader, at: learnedAt + 1 + UInt32(visit)) }
  }
  return map
}

private func learn(_ key: String, in map: URLMap, at time: UInt32) {
  let bytes = Array(key.utf8)
  let isKey = map.learn(bytes.span.bytes, at: time)
  #expect(isKey, "\(key) is no key")
}

private func visited(_ key: String, by reader: borrowing URLMap.Reader, at time: UInt32) {
  let bytes = Array(key.utf8)
  _ = reader.lookup(bytes.span.bytes, countingHitAt: time)
}

extension RawSpan {
  var text: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}

@Suite("the order of a list")
struct RankingTests {
  @Test("of any number of items the largest are kept, largest first")
  func largest() {
    for limit in [1, 2, 3, 10, 100, 1000] {
      var random = SystemRandomNumberGenerator()
      let numbers = (0..<500).map { _ in Int.random(in: 0..<200, using: &random) }
      var largest = Largest<Int, String>(limit)
      for number in numbers { largest.offer(number, "\(number)") }
      let expected = Array(numbers.sorted(by: >).prefix(limit))
      let sorted = largest.sorted()
      #expect(sorted.map(\.rank) == expected)
      #expect(sorted.map(\.value) == expected.map(String.init))
    }
  }

  @Test("the value of what is not kept is not made")
  func lazily() {
    var largest = Largest<Int, Int>(1)
    largest.offer(2, 2)
    largest.offer(
      1,
      {
        Issue.record("the value was made")
        return 1
      }())
  }

  private func list(
    _ order: ListOrder, _ map: URLMap, prefix: String = "", atMost limit: Int = .max
  ) throws -> [String] {
    var keys: [String] = []
    try order.forEach(in: map, withPrefix: Array(prefix.utf8), atMost: limit) { key, _ in
      keys.append(key.text)
    }
    return keys
  }

  @Test("by hits the most visited come first, equal ones by URL")
  func byHits() throws {
    let map = map(("/a", 1), ("/b", 7), ("/c", 0), ("/d", 7), ("/e", 0))
    #expect(try list(.hits, map) == ["/b", "/d", "/a", "/c", "/e"])
    #expect(try list(.hits, map, atMost: 2) == ["/b", "/d"])
  }

  @Test("by last visit the latest comes first, and what nobody has visited comes last")
  func byLast() throws {
    let map = map(("/a", 1), ("/b", 3), ("/c", 0), ("/d", 2))
    #expect(try list(.last, map) == ["/b", "/d", "/a", "/c"])
  }

  @Test("by URL the list is in the order of the bytes and ends at its limit")
  func byURL() throws {
    let map = map(("/b", 1), ("/a", 0), ("/a/b", 0), ("/a-b", 2))
    #expect(try list(.url, map) == ["/a", "/a-b", "/a/b", "/b"])
    #expect(try list(.url, map, atMost: 3) == ["/a", "/a-b", "/a/b"])
    #expect(try list(.url, map, atMost: 1) == ["/a"])
  }

  @Test("a prefix holds in every order", arguments: ListOrder.allCases)
  func prefixes(order: ListOrder) throws {
    let map = map(("/docs/a", 0), ("/docs/b", 0), ("/docsx", 3), ("/other", 9))
    #expect(try list(order, map, prefix: "/docs/") == ["/docs/a", "/docs/b"])
    #expect(try list(order, map, prefix: "/nothing") == [])
  }

  @Test("a list longer than a portion is the same as in one", arguments: [1, 2, 3, 99, 100, 101])
  func portions(portion: Int) {
    let map = map((0..<100).map { ("/\($0)", visits: $0 * 7 % 10) })
    func keys(_ portion: Int) -> [String] {
      var keys: [String] = []
      Ranking(map: map, portion: portion) { $0.hits }.forEach(atMost: .max) { key, _ in keys.append(key.text)
      }
      return keys
    }
    let whole = keys(1000)
    #expect(whole.count == 100)
    #expect(keys(portion) == whole)
  }
}

@Suite("the lines of a list")
struct EntryTableTests {
  private func line(_ style: EntryTable.Style, hits: UInt32) -> String {
    let key = Array("/a?x=<b>".utf8)
    var line: [UInt8] = []
    EntryTable(style: style).append(
      key.span.bytes, MapEntry(learnedAt: 1_763_912_535, lastUsedAt: 1_763_912_601, hits: hits), to: &line)
    return String(decoding: line, as: UTF8.self)
  }

  @Test("a program gets tabs and no heading")
  func tabbed() {
    #expect(line(.tabbed, hits: 5) == "5\t2025-11-23T15:43:21Z\t2025-11-23T15:42:15Z\t/a?x=<b>\n")
    #expect(line(.tabbed, hits: 0) == "0\t-\t2025-11-23T15:42:15Z\t/a?x=<b>\n")
    #expect(EntryTable(style: .tabbed).heading.isEmpty)
  }

  @Test("a reader gets columns below their headings, whatever their values", arguments: [0, 5, .max])
  func aligned(hits: UInt32) throws {
    let heading = EntryTable(style: .aligned).heading
    let line = line(.aligned, hits: hits)
    func column(_ part: String, in text: String) throws -> Int {
      text.distance(from: text.startIndex, to: try #require(text.firstRange(of: part)).lowerBound)
    }
    #expect(try column("LEARNED", in: heading) == column("2025-11-23T15:42:15Z", in: line))
    #expect(try column("URL", in: heading) == column("/a?", in: line))
    let last = try column(hits == 0 ? "- " : "2025-11-23T15:43:21Z", in: line)
    #expect(try column("LAST VISIT", in: heading) == last)
  }
}
