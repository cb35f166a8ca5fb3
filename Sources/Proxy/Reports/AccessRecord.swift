import EventLoop
import HTTP1

/// What is worth a word in the log beside the answer itself.
struct Notes: OptionSet {
  let rawValue: UInt32
  static let replayLimit = Notes(rawValue: 1 << 0)
  static let oldDown = Notes(rawValue: 1 << 1)
  static let oldTimeout = Notes(rawValue: 1 << 2)
  static let oldError = Notes(rawValue: 1 << 3)
  static let newDown = Notes(rawValue: 1 << 4)
  static let newTimeout = Notes(rawValue: 1 << 5)
  static let retried = Notes(rawValue: 1 << 6)
  static let learned = Notes(rawValue: 1 << 7)
  static let forgotten = Notes(rawValue: 1 << 8)
  static let migrated = Notes(rawValue: 1 << 9)
  static let doubleMiss = Notes(rawValue: 1 << 10)
  static let clientGone = Notes(rawValue: 1 << 11)
  static let badRequest = Notes(rawValue: 1 << 12)
  static let brokenOff = Notes(rawValue: 1 << 13)
  static let softMiss = Notes(rawValue: 1 << 14)

  /// In the order in which the log names them.
  static let names: [(Notes, StaticString)] = [
    (.replayLimit, "replay-limit"), (.oldDown, "old-down"), (.oldTimeout, "old-timeout"),
    (.oldError, "old-error"),
    (.newDown, "new-down"), (.newTimeout, "new-timeout"), (.retried, "retried"), (.learned, "learned"),
    (.forgotten, "forgotten"), (.migrated, "migrated"), (.doubleMiss, "double-miss"),
    (.softMiss, "soft-miss"),
    (.clientGone, "client-gone"), (.badRequest, "bad-request"), (.brokenOff, "broken-off"),
  ]
}

/// What one exchange tells the access log.
struct AccessRecord {
  /// The last attempt at one of the two sites.
  struct Attempt {
    /// The server's address as the log names it.
    var label: [UInt8]
    /// 0 when no answer came.
    var status: UInt16 = 0
    var beganMs: UInt64
    var tookMs: UInt64 = 0
  }

  var route = Route.own
  /// What the client was answered; 0 before that.
  var status: UInt16 = 0
  var bodyBytes: UInt64 = 0
  var notes: Notes = []
  private(set) var new: Attempt?
  private(set) var old: Attempt?

  mutating func beginAttempt(old isOld: Bool, server: OriginServer, nowMs: UInt64) {
    let attempt = Attempt(label: server.label, beganMs: nowMs)
    if isOld { old = attempt } else { new = attempt }
  }

  mutating func endAttempt(old isOld: Bool, status: UInt16, nowMs: UInt64) {
    if isOld { old?.end(status, nowMs) } else { new?.end(status, nowMs) }
  }
}

extension AccessRecord.Attempt {
  fileprivate mutating func end(_ status: UInt16, _ nowMs: UInt64) {
    self.status = status
    tookMs = nowMs &- beganMs
  }
}
