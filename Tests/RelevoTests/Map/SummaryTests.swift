import Testing
import URLMap

@testable import relevo

@Suite("what a map tells")
struct SummaryTests {
  @Test(
    "a URL belongs to the age of its last visit",
    arguments: [
      (0, 5, .never), (0, 0, .never), (1, 0, .day), (1, 86_399, .day), (1, 86_400, .week),
      (1, 604_799, .week),
      (1, 604_800, .month), (1, 2_592_000, .threeMonths), (1, 7_862_400, .sixMonths), (1, 15_724_800, .year),
      (1, 31_536_000, .older),
    ] as [(UInt32, UInt32, LastVisits.Age)])
  func ages(hits: UInt32, secondsAgo: UInt32, age: LastVisits.Age) {
    let now: UInt32 = 1_800_000_000
    let entry = MapEntry(learnedAt: 1, lastUsedAt: now - secondsAgo, hits: hits)
    #expect(LastVisits.age(of: entry, at: now) == age)
  }

  @Test("a visit in the future is today's")
  func future() {
    #expect(LastVisits.age(of: MapEntry(learnedAt: 1, lastUsedAt: .max, hits: 1), at: 1000) == .day)
  }

  @Test("within an age counts the younger ones too, and never the unvisited")
  func within() {
    var visits = LastVisits()
    for (age, hits) in [(0, 1), (100_000, 1), (700_000, 1), (40_000_000, 1), (0, 0)] as [(UInt32, UInt32)] {
      visits.add(MapEntry(learnedAt: 1, lastUsedAt: 100_000_000 - age, hits: hits), at: 100_000_000)
    }
    #expect(visits.visited(within: .day) == 1)
    #expect(visits.visited(within: .week) == 2)
    #expect(visits.visited(within: .month) == 3)
    #expect(visits.visited(within: .year) == 3)
    #expect(visits[.never].urls == 1)
  }

  @Test("of the visits so many have the most visited so many")
  func concentration() {
    let concentration = Concentration(visits: [1, 50, 0, 4, 25, 20, 0])
    #expect(concentration.urls == 5)
    #expect(
      [0, 1, 50, 51, 75, 76, 95, 99, 100].map(concentration.urls(forPercent:)) == [0, 1, 1, 2, 2, 3, 3, 4, 5])
    #expect(concentration.urls(forPercent: 1000) == 5)
    #expect(concentration.urls(forPercent: -1) == 0)
  }

  @Test("odd counts do no harm", arguments: [[], [0], [1], Array(repeating: UInt32.max, count: 1000)])
  func oddCounts(visits: [UInt32]) {
    let concentration = Concentration(visits: visits)
    #expect(concentration.urls(forPercent: 100) == concentration.urls)
    #expect(concentration.urls == visits.count { $0 > 0 })
  }

  @Test("one walk gathers totals, lists and the tree")
  func summary() {
    let map = map([("/a/1", 3), ("/a/2", 0), ("/b", 5), ("/c", 0)], learnedAt: 1000)
    let summary = MapSummary(of: map, at: 2000, directoriesBy: .urls, listed: 1)
    #expect(summary.tally == Tally(urls: 4, visits: 8))
    #expect(summary.neverVisited == 2)
    #expect(summary.visited == 2)
    #expect(summary.learned == 1000...1000)
    #expect(summary.mostVisited.map(\.key) == [Array("/b".utf8)])
    #expect(summary.longestUnvisited.map(\.key) == [Array("/a/2".utf8)])
    #expect(summary.root.tally == summary.tally)
  }

  @Test("the page of stats has totals, shares, files and the tree")
  func page() {
    let map = map([("/a/1", 3), ("/a/2", 0), ("/b", 5), ("/c", 0)], learnedAt: 1_763_912_535)
    let page = StatsPage(
      summary: MapSummary(of: map, at: 1_763_912_635, directoriesBy: .urls, listed: 0),
      files: [FileFacts(role: .snapshot, bytes: 400, modifiedAt: 1_763_912_600)], memoryBytes: 1230,
      columns: 60,
      glyphs: .ascii)
    #expect(
      page.lines == [
        "URLs                             4   learned 2025-11-23",
        "visits                           8",
        "never visited                    2   50 %",
        "visited in the last day          2   50 %",
        "in the last 7 days               2   50 %",
        "in the last 30 days              2   50 %",
        "map file                 400 bytes   100.0 bytes a URL, written 35 seconds ago",
        "in memory                   1.2 kB   307.5 bytes a URL",
        "",
        "DIRECTORY     URLs                  VISITS",
        "/                4  ##############       8  ##############",
        "`- a/            2  #######              3  #####",
      ])
  }

  @Test("the page of an empty map says so")
  func emptyPage() {
    let page = StatsPage(
      summary: MapSummary(of: map(), at: 1000, directoriesBy: .urls, listed: 0), files: [], memoryBytes: 0,
      columns: 60, glyphs: .ascii)
    #expect(
      page.lines == ["URLs             0   nothing learned yet", "visits           0", "in memory  0 bytes"])
  }
}
