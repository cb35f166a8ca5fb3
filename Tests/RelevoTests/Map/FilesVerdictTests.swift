import Testing

@testable import URLMap
@testable import relevo

@Suite("what verify says")
struct FilesVerdictTests {
  private func report(
    _ path: String = "a.map", urls: Int = 5, source: LoadReport.Source = .current,
    journal: JournalReport = JournalReport()
  ) -> LoadReport {
    LoadReport(
      source: source, path: path, mapKey: "path-query", urls: urls, duration: .zero, refused: nil,
      journal: journal)
  }

  private func verdict(_ current: FileCheck.Result, _ previous: FileCheck.Result) -> FilesVerdict {
    FilesVerdict(path: "a.map", current: FileCheck(current), previous: FileCheck(previous))
  }

  private let broken = FileCheck.Result.broken(.refused(path: "a.map", line: 7, reason: "it is odd"))

  @Test("two good files are good, and so is the first file alone")
  func good() {
    let both = verdict(.good(report()), .good(report(urls: 4)))
    #expect(both.isGood)
    #expect(
      both.lines == [
        "a.map       good     5 URLs with its journal, keys path-query",
        "a.map.prev  good     4 URLs with its journal, keys path-query", "", "A start loads a.map: 5 URLs.",
      ])
    let alone = verdict(.good(report()), .missing)
    #expect(alone.isGood)
    #expect(alone.lines[1] == "a.map.prev  none")
  }

  @Test("a broken file names its line, and a start takes the one before it")
  func brokenFile() {
    let verdict = verdict(broken, .good(report(urls: 4)))
    #expect(!verdict.isGood)
    #expect(verdict.lines[0] == "a.map       broken   line 7: it is odd")
    #expect(verdict.lines.last == "A start puts a.map aside as a.map.refused and loads a.map.prev: 4 URLs.")
  }

  @Test("a missing file with one before it is no good state, though a start gets on")
  func missing() {
    let verdict = verdict(.missing, .good(report(urls: 4)))
    #expect(!verdict.isGood)
    #expect(verdict.lines.last == "A start loads a.map.prev: 4 URLs.")
  }

  @Test("a broken file before a good one is told, and harms no start")
  func brokenPrevious() {
    let verdict = verdict(.good(report()), broken)
    #expect(!verdict.isGood)
    #expect(verdict.lines.last == "A start loads a.map: 5 URLs.")
  }

  @Test("two broken files end a start with 78", arguments: [true, false])
  func bothBroken(hasPrevious: Bool) {
    let verdict = verdict(broken, hasPrevious ? broken : .missing)
    #expect(!verdict.isGood)
    #expect(verdict.lines.last?.hasPrefix("A start ends with 78: ") == true)
  }

  @Test("the journal's segments are told one by one, the broken and the foreign ones with their reason")
  func journal() {
    var journal = JournalReport()
    journal.segments = ["a.map.journal.1", "a.map.journal.2"]
    journal.changes = 1234
    journal.tornBytes = 10
    let good = verdict(.good(report(journal: journal)), .missing)
    #expect(good.isGood)
    #expect(
      good.lines[2...3] == [
        "a.map.journal.1  good",
        "a.map.journal.2  good     1,234 changes in all, the last one cut off by the end of a process",
      ])
    journal.tornBytes = 0
    journal.refused = [.journalBroken(path: "a.map.journal.2", line: 3, reason: "the checksum does not fit")]
    journal.foreign = ["a.map.journal.9"]
    let bad = verdict(.good(report(journal: journal)), .missing)
    #expect(!bad.isGood)
    #expect(
      bad.lines[2...4] == [
        "a.map.journal.1  good",
        "a.map.journal.2  broken   line 3: the checksum does not fit; what stands above that line is used",
        "a.map.journal.9  foreign  it does not continue the map file and is not used; 1,234 changes in all",
      ])
  }

  @Test("a journal before the first snapshot is good alone")
  func journalAlone() {
    var journal = JournalReport()
    journal.segments = ["a.map.journal.1"]
    let verdict = verdict(.good(report(source: .none, journal: journal)), .missing)
    #expect(verdict.isGood)
    #expect(verdict.lines[0] == "a.map            none     the journal alone: 5 URLs, keys path-query")
  }

  @Test("keys that no request has are counted, and so are those that a start will write otherwise")
  func keys() {
    let verdict = FilesVerdict(
      path: "a.map",
      current: FileCheck(
        .good(report(urls: 3000)), FileCheck.Keys(outdated: 1200, joined: 0, unreachable: 2)),
      previous: FileCheck(.missing))
    #expect(verdict.isGood)
    #expect(
      verdict.lines[0].hasSuffix(
        "; 1,200 not written as a request's key is, which a start puts right; 2 that no request can have, and that are never found"
      ))
  }

  @Test("what a start joins is told, and taken off the URLs that it has then")
  func joined() {
    let verdict = FilesVerdict(
      path: "a.map",
      current: FileCheck(.good(report(urls: 5)), FileCheck.Keys(outdated: 3, joined: 2)),
      previous: FileCheck(.missing))
    #expect(
      verdict.lines[0].hasSuffix(
        "; 3 not written as a request's key is, which a start puts right, 2 by joining them with others"))
    #expect(verdict.lines.last == "A start loads a.map: 3 URLs.")
  }

  @Test("the first line that is out of order is told; it is no damage")
  func unordered() {
    var report = report()
    report.unorderedLine = 14
    let verdict = verdict(.good(report), .missing)
    #expect(verdict.isGood)
    #expect(
      verdict.lines[0].hasSuffix(
        "; line 14: its URL belongs above the line before, so that a load takes longer from there on"))
  }
}
