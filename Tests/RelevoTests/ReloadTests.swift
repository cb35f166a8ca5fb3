import Logging
import Testing

@testable import relevo

@Suite("what a reload changes")
struct ReloadFlagsTests {
  private func settings(_ flags: String...) throws -> [String: String?] {
    try invoke(["serve", "--new=http://a", "--old=http://b"] + flags).settings
  }

  @Test("flags that only a start can change are flags, stay as they were, and are named in the help's order")
  func fixed() throws {
    let known = Set(EnvironmentArguments.flags.map { "--\($0.name)" })
    #expect(FixedFlags.names.isSubset(of: known))
    let before = try settings("--workers=1", "--listen=127.0.0.1:1")
    let wanted = try settings("--workers=2", "--map-file=/a", "--retries=3", "--no-via")
    let (merged, needRestart) = FixedFlags.merge(wanted, into: before)
    #expect(needRestart == ["--listen", "--workers", "--map-file"])
    #expect(
      merged["--workers"] == "1" && merged["--listen"] == "127.0.0.1:1" && merged["--map-file"] == .some(nil))
    #expect(FixedFlags.differing(before, merged) == ["--retries", "--via"])
    #expect(FixedFlags.merge(before, into: before).needRestart.isEmpty)
  }

  @Test("the level of the log changes for all who have a part of it, but for one that was set by itself")
  func level() {
    let threshold = LogThreshold(.warning)
    let logger = LineLogHandler.logger(threshold)
    var own = logger
    own.logLevel = .error
    #expect(logger.logLevel == .warning)
    threshold.set(.debug)
    #expect(logger.logLevel == .debug)
    #expect(own.logLevel == .error)
  }
}
