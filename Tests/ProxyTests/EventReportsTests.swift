import EventLoop
import Logging
import Testing

@testable import Proxy

@Suite("what the operator is told of")
struct EventReportsTests {
  /// Lines as a log would have them.
  private final class Lines: Sendable {
    let all = Locked<[String]>([])
  }

  private struct Handler: LogHandler {
    let lines: Lines
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
      lines.all.withLock { $0.append("\(event.level) \(event.message)\(fields.joined())") }
    }
  }

  private let lines = Lines()
  private let reports: EventReports
  private let migrated = "info migrated: the new site has a page that was known as the old one's"

  init() {
    let lines = lines
    reports = EventReports(logger: Logger(label: "test") { _ in Handler(lines: lines) })
  }

  private func migrate(_ url: String, atMs nowMs: UInt64) {
    reports.report(.migrated, at: nil, cause: "", url: url, nowMs: nowMs)
  }

  @Test("a mass migration is one line a second, with a count and an example")
  func floods() {
    for number in 0..<10_000 { migrate("/\(number)", atMs: 5_000 + UInt64(number) / 5) }
    #expect(
      lines.all.withLock { $0 } == [
        "\(migrated) url=/0", "\(migrated) more=4999 url=/5000",
      ])
    #expect(reports.areWaiting)
  }

  @Test("what came within the second is told when it has passed, though nothing more comes")
  func flushes() {
    for url in ["/a", "/b", "/c"] { migrate(url, atMs: 5_000) }
    reports.flush(nowMs: 5_999)
    #expect(reports.areWaiting)
    reports.flush(nowMs: 6_000)
    #expect(!reports.areWaiting)
    reports.flush(nowMs: 7_000)
    #expect(lines.all.withLock { $0 } == ["\(migrated) url=/a", "\(migrated) more=1 url=/c"])
  }

  @Test("servers that are passed over, and back, are told one by one however many they are")
  func states() {
    for number in 1...3 {
      reports.report(.originPaused, at: nil, cause: "no \(number)", url: "/a", nowMs: 5_000)
      reports.report(.originBack, at: nil, cause: "", url: "", nowMs: 5_000)
    }
    let told = lines.all.withLock { $0 }
    #expect(told.count == 6)
    #expect(
      told.prefix(2) == [
        "warning a server has failed --origin-fails requests in a row and is passed over for a while cause=no 1",
        "notice a server that was passed over answers again; its share grows for --slow-start",
      ])
    #expect(!reports.areWaiting)
  }

  @Test("events of different kinds do not wait for each other, and failures are warnings")
  func kinds() {
    migrate("/a", atMs: 5_000)
    reports.report(.originFailed, at: nil, cause: "refused", url: "", nowMs: 5_000)
    #expect(
      lines.all.withLock { $0 } == ["\(migrated) url=/a", "warning an origin failed cause=refused"])
    #expect(!reports.areWaiting)
  }
}
