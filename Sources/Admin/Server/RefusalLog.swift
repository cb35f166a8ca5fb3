import EventLoop
import Logging

/// What the admin plane refuses, counted, and said in the log at a bounded rate: one line a kind in ten seconds.
struct RefusalLog {
  enum Kind: String, CaseIterable {
    case unauthorized = "clients that did not say who they are"
    case foreignHost = "requests for another host's name"
    case noIntent = "changes without X-Relevo-Admin"
    case busy = "requests while too many others waited"
    case shed = "connections, there were too many"
    case slow = "requests that came too slowly"
  }

  private struct Tally {
    var total: UInt64 = 0
    var said: UInt64 = 0
    var nextMs: UInt64 = 0
  }

  private static let everyMs: UInt64 = 10_000

  private let logger: Logger
  private var tallies: [Kind: Tally] = [:]

  init(logger: Logger) {
    self.logger = logger
  }

  mutating func note(_ kind: Kind, nowMs: UInt64 = EventLoop.monotonicMs()) {
    tallies[kind, default: Tally()].total += 1
    sayWhatIsDue(nowMs: nowMs)
  }

  /// To be called now and then, so that the last ones are said too.
  mutating func sayWhatIsDue(nowMs: UInt64 = EventLoop.monotonicMs()) {
    for (kind, tally) in tallies where tally.total > tally.said && nowMs >= tally.nextMs {
      logger.warning(
        "the admin plane refused \(kind.rawValue)",
        metadata: ["count": "\(tally.total - tally.said)", "total": "\(tally.total)"])
      tallies[kind]?.said = tally.total
      tallies[kind]?.nextMs = nowMs + Self.everyMs
    }
  }
}
