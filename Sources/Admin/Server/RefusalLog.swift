import EventLoop
import Logging

/// What the admin plane refuses, counted, and said in the log at a bounded rate: one line a reason in ten seconds.
final class RefusalLog: Sendable {
  private struct Tally {
    var total: UInt64 = 0
    var said: UInt64 = 0
    var nextMs: UInt64 = 0
  }

  private static let everyMs: UInt64 = 10_000

  private let logger: Logger
  private let tallies = Locked<[RefusalReason: Tally]>([:])

  init(logger: Logger) {
    self.logger = logger
  }

  /// How many were refused since the start.
  var totals: [RefusalReason: UInt64] { tallies.withLock { $0.mapValues(\.total) } }

  func note(_ reason: RefusalReason, nowMs: UInt64 = EventLoop.monotonicMs()) {
    tallies.withLock { $0[reason, default: Tally()].total += 1 }
    sayWhatIsDue(nowMs: nowMs)
  }

  /// To be called now and then, so that the last ones are said too.
  func sayWhatIsDue(nowMs: UInt64 = EventLoop.monotonicMs()) {
    let due = tallies.withLock { tallies in
      let due = tallies.filter { $1.total > $1.said && nowMs >= $1.nextMs }
      for (reason, tally) in due {
        tallies[reason]?.said = tally.total
        tallies[reason]?.nextMs = nowMs + Self.everyMs
      }
      return due
    }
    for (reason, tally) in due {
      logger.warning(
        "the admin plane refused \(reason.words)",
        metadata: ["count": "\(tally.total - tally.said)", "total": "\(tally.total)"])
    }
  }
}
