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
  static let queued = Notes(rawValue: 1 << 15)
  static let newBusy = Notes(rawValue: 1 << 16)
  static let oldBusy = Notes(rawValue: 1 << 17)
  static let retryBudget = Notes(rawValue: 1 << 18)
  static let noDescriptor = Notes(rawValue: 1 << 19)

  /// In the order in which the log names them.
  static let names: [(Notes, StaticString)] = [
    (.replayLimit, "replay-limit"), (.oldDown, "old-down"), (.oldTimeout, "old-timeout"),
    (.oldError, "old-error"),
    (.newDown, "new-down"), (.newTimeout, "new-timeout"), (.newBusy, "new-busy"), (.oldBusy, "old-busy"),
    (.noDescriptor, "no-descriptor"), (.queued, "queued"),
    (.retried, "retried"), (.retryBudget, "retry-budget"), (.learned, "learned"),
    (.forgotten, "forgotten"), (.migrated, "migrated"), (.doubleMiss, "double-miss"),
    (.softMiss, "soft-miss"),
    (.clientGone, "client-gone"), (.badRequest, "bad-request"), (.brokenOff, "broken-off"),
  ]
}

/// What one exchange tells the access log and the metrics. Times are microseconds of `EventLoop.monotonicUs()`, and 0
/// where nobody wants them: see `Worker.takesTimes`.
struct AccessRecord {
  /// The last attempt at one of the two sites.
  struct Attempt {
    /// The server's address as the log names it.
    var label: ShortText
    /// 0 when no answer came.
    var status: UInt16 = 0
    var beganUs: UInt64
    /// Until the head of the answer, or until it failed.
    var tookUs: UInt64 = 0
  }

  /// When the first byte of the request was seen.
  var beganUs: UInt64 = 0
  /// When its head was whole.
  var headUs: UInt64 = 0
  var route = Route.own
  /// What the client was answered; 0 before that.
  var status: UInt16 = 0
  /// Bytes of the body that the client is sent.
  var bodyBytes: UInt64 = 0
  /// Bytes of the request's body that have come, in chunks where it came so.
  var requestBytes: UInt64 = 0
  /// How often it was sent again for whatever reason, on another connection or to another server.
  var retries: UInt16 = 0
  var notes: Notes = []
  private(set) var new: Attempt?
  private(set) var old: Attempt?

  /// What is asked first is asked as soon as the head is whole, unless it had to wait for a place.
  var isAskedAtOnce: Bool { new == nil && old == nil && !notes.contains(.queued) }

  mutating func beginAttempt(old isOld: Bool, server: OriginServer, nowUs: UInt64) {
    let attempt = Attempt(label: server.label, beganUs: nowUs)
    if isOld { old = attempt } else { new = attempt }
  }

  /// How long the attempt took.
  @discardableResult
  mutating func endAttempt(old isOld: Bool, status: UInt16, nowUs: UInt64) -> UInt64 {
    if isOld { old?.end(status, nowUs) } else { new?.end(status, nowUs) }
    return (isOld ? old : new)?.tookUs ?? 0
  }
}

extension AccessRecord.Attempt {
  fileprivate mutating func end(_ status: UInt16, _ nowUs: UInt64) {
    self.status = status
    tookUs = nowUs &- beganUs
  }
}
