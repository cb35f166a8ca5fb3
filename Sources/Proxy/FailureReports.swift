import EventLoop
import Logging

/// What an operator is told of, each with its remedy.
enum FailureKind: Int, CaseIterable {
  case originFailed, oldAnswersError, brokenAnswer, replayLimit, replayFile, accept, connectionLimit

  var sentence: String {
    switch self {
    case .originFailed: "an origin failed"
    case .oldAnswersError: "the old server answered an error; the new pool's held answer was served"
    case .brokenAnswer: "an origin's answer broke off; the client's connection was closed"
    case .replayLimit:
      "a request's body was longer than can be replayed, so the new pool's miss was served: raise --replay-limit"
    case .replayFile: "a request's body can't be recorded: see that TMPDIR has room"
    case .accept: "a connection can't be accepted: raise LimitNOFILE or lower --max-connections"
    case .connectionLimit: "--max-connections is reached: new connections wait until others end"
    }
  }
}

/// Failures in the log: the first of a kind at once, the others counted and told once a second at most.
final class FailureReports {
  private static let spacingMs: UInt64 = 1_000
  private let logger: Logger
  private var lastMs: [UInt64]
  private var suppressed: [Int]

  init(logger: Logger) {
    self.logger = logger
    lastMs = Array(repeating: 0, count: FailureKind.allCases.count)
    suppressed = Array(repeating: 0, count: FailureKind.allCases.count)
  }

  func report(_ kind: FailureKind, at server: OriginServer?, _ detail: String) {
    let nowMs = EventLoop.monotonicMs()
    guard lastMs[kind.rawValue] == 0 || nowMs &- lastMs[kind.rawValue] >= Self.spacingMs else {
      suppressed[kind.rawValue] += 1
      return
    }
    lastMs[kind.rawValue] = nowMs
    var metadata: Logger.Metadata = [:]
    if let server { metadata["origin"] = "\(server.address)" }
    if !detail.isEmpty { metadata["cause"] = "\(detail)" }
    if suppressed[kind.rawValue] > 0 { metadata["more"] = "\(suppressed[kind.rawValue])" }
    suppressed[kind.rawValue] = 0
    logger.warning("\(kind.sentence)", metadata: metadata)
  }
}
