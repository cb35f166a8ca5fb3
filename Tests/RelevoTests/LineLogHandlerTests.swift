import EventLoop
import Glibc
import Logging
import Testing

@testable import relevo

@Suite("a line of the log")
struct LineLogHandlerTests {
  private func line(_ message: Logger.Message, _ metadata: Logger.Metadata = [:]) -> String {
    let event = LogEvent(
      level: .info, message: message, metadata: metadata, source: "", file: "", function: "", line: 0)
    return LineLogHandler.line("TZ ", event: event, metadata: ["worker": "1"])
  }

  @Test("has the time, the level, the message and the metadata by name")
  func shape() {
    #expect(line("listening", ["port": "80", "a": "b"]) == "TZ info listening a=b port=80 worker=1\n")
  }

  @Test("quotes values with spaces, quotes or nothing in them")
  func quoting() {
    #expect(line("m", ["k": "a b"]) == "TZ info m k=\"a b\" worker=1\n")
    #expect(line("m", ["k": "a\"b"]) == "TZ info m k=\"a\\\"b\" worker=1\n")
    #expect(line("m", ["k": ""]) == "TZ info m k=\"\" worker=1\n")
  }

  @Test("stays one line whatever a client sends")
  func controls() {
    #expect(
      line("GET /\r\n2026 error", ["k": "\u{1b}[2J"])
        == "TZ info GET /\\x0d\\x0a2026 error k=\\x1b[2J worker=1\n")
  }

  @Test("is written at once with the time in UTC, and not below the level")
  func writes() {
    let lines = Lines()
    let logger = Logger(label: "test") { _ in
      LineLogHandler(threshold: LogThreshold(.warning)) { lines.add($0) }
    }
    logger.info("quiet")
    logger.error("loud", metadata: ["why": "test"])
    #expect(lines.all.count == 1)
    #expect(
      lines.all.first?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z error loud why=test\n/) != nil)
  }

  @Test("for the journal has its number of the level, and no time, which is there already")
  func journal() {
    let lines = Lines()
    let logger = Logger(label: "test") { _ in
      LineLogHandler(threshold: LogThreshold(.trace), isForJournal: true) { lines.add($0) }
    }
    for level in Logger.Level.allCases { logger.log(level: level, "m") }
    #expect(
      lines.all == [
        "<7>trace m\n", "<7>debug m\n", "<6>info m\n", "<5>notice m\n", "<4>warning m\n", "<3>error m\n",
        "<2>critical m\n",
      ])
  }

  @Test("is for the journal where that reads standard error, and not where it only reads another stream")
  func journalStream() {
    var status = stat()
    #expect(fstat(2, &status) == 0)
    #expect(SystemJournal.readsErrors(["JOURNAL_STREAM": "\(status.st_dev):\(status.st_ino)"]))
    #expect(!SystemJournal.readsErrors(["JOURNAL_STREAM": "\(status.st_dev):\(status.st_ino + 1)"]))
    #expect(!SystemJournal.readsErrors([:]))
  }

  private final class Lines: Sendable {
    private let lines = Locked<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
  }
}
