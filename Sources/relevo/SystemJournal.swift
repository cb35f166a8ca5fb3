import Glibc
import Logging

/// systemd's journal where it reads what the process says: it has the time of each line itself, and takes the level as a
/// number in front (sd-daemon(3)), so that `journalctl --priority=warning` finds what it should.
enum SystemJournal {
  /// Whether standard error leads there (`JOURNAL_STREAM`, systemd.exec(5)).
  static func readsErrors(_ environment: [String: String]) -> Bool {
    guard let stream = environment["JOURNAL_STREAM"] else { return false }
    var status = stat()
    return unsafe fstat(StandardStream.error.rawValue, &status) == 0
      && stream == "\(status.st_dev):\(status.st_ino)"
  }

  static func prefix(_ level: Logger.Level) -> String {
    switch level {
    case .trace, .debug: "<7>"
    case .info: "<6>"
    case .notice: "<5>"
    case .warning: "<4>"
    case .error: "<3>"
    case .critical: "<2>"
    }
  }
}
