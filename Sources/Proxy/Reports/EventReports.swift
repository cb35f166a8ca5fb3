import EventLoop
import Logging

/// What an operator is told of; a failure with its remedy.
enum ReportedEvent: Int, CaseIterable {
  case originFailed, oldStandsIn, oldAnswersError, brokenAnswer, replayLimit, replayFile, accept,
    connectionLimit, migrated, oldCompresses, unbelievedForwarding, proxyHeader, oldAtMaximum,
    queueFull, queueTimeout, retryBudget, noDescriptor, originPaused, originBack, clientTLS, clientHTTP2

  /// In words with hyphens.
  var name: String {
    switch self {
    case .originFailed: "origin-failed"
    case .oldStandsIn: "old-stands-in"
    case .oldAnswersError: "old-answers-error"
    case .brokenAnswer: "broken-answer"
    case .replayLimit: "replay-limit"
    case .replayFile: "replay-file"
    case .accept: "accept"
    case .connectionLimit: "connection-limit"
    case .oldCompresses: "old-compresses"
    case .oldAtMaximum: "old-at-maximum"
    case .queueFull: "queue-full"
    case .queueTimeout: "queue-timeout"
    case .retryBudget: "retry-budget"
    case .noDescriptor: "no-descriptor"
    case .originPaused: "origin-paused"
    case .originBack: "origin-back"
    case .unbelievedForwarding: "unbelieved-forwarding"
    case .proxyHeader: "proxy-header"
    case .clientTLS: "client-tls"
    case .clientHTTP2: "client-http2"
    case .migrated: "migrated"
    }
  }

  var sentence: String {
    switch self {
    case .originFailed: "an origin failed"
    case .oldStandsIn:
      "the new pool can't answer, so the old server is asked in its place: see to the servers of --new, their logs say more"
    case .oldAnswersError: "the old server answered an error; the client got the new pool's answer or failure"
    case .brokenAnswer: "an origin's answer broke off; the client's connection was closed"
    case .replayLimit:
      "a request's body was longer than can be replayed, so the new pool's miss was served: raise --replay-limit"
    case .replayFile: "a request's body can't be recorded: see that TMPDIR has room"
    case .accept: "a connection can't be accepted: raise LimitNOFILE or lower --max-connections"
    case .connectionLimit: "--max-connections is reached: new connections wait until others end"
    case .oldCompresses:
      "the old server compresses a page that it was asked not to: --old-miss-body can't look into it, and it is not learned"
    case .oldAtMaximum:
      "the old server serves its max=, so the new pool's miss was served: raise max= if it can carry more"
    case .queueFull:
      "as many requests wait as --queue-length allows, so one was not let in: raise max= if the servers can carry more, or add a server"
    case .queueTimeout:
      "a request has waited for --queue-timeout: raise max= if the servers can carry more, or add a server"
    case .retryBudget:
      "requests fail faster than --retry-budget lets them be sent again: see why the servers fail"
    case .noDescriptor:
      "a server can't be asked since no file descriptor is left: raise LimitNOFILE or lower --max-connections"
    case .originPaused: "a server has failed --origin-fails requests in a row and is passed over for a while"
    case .originBack: "a server that was passed over answers again; its share grows for --slow-start"
    case .unbelievedForwarding:
      "X-Forwarded-For was not believed: if it comes from your load balancer, name that in --trusted-proxies"
    case .proxyHeader:
      "a connection was closed since --accept-proxy wants a PROXY header first: have the load balancer send it, and nobody else connect here"
    case .clientTLS:
      "TLS with a client could not be opened: old clients, scanners and load balancers that look whether the port answers do this too"
    case .clientHTTP2:
      "a client broke the rules of HTTP/2, or sent frames in floods, and its connection was closed: scanners do this, and broken clients"
    case .migrated: "migrated: the new site has a page that was known as the old one's"
    }
  }

  /// Something is wrong, and somebody may have to see to it.
  var isFailure: Bool {
    switch self {
    case .migrated, .originBack, .clientTLS, .clientHTTP2: false
    case .originFailed, .oldStandsIn, .oldAnswersError, .brokenAnswer, .replayLimit, .replayFile, .accept,
      .connectionLimit, .oldCompresses, .unbelievedForwarding, .proxyHeader, .oldAtMaximum,
      .queueFull, .queueTimeout, .retryBudget, .noDescriptor, .originPaused:
      true
    }
  }

  /// It comes seldom, and each is about another server or another time: none may be left out.
  var isToldEachTime: Bool {
    switch self {
    case .originPaused, .originBack: true
    case .originFailed, .oldStandsIn, .oldAnswersError, .brokenAnswer, .replayLimit, .replayFile, .accept,
      .connectionLimit, .oldCompresses, .unbelievedForwarding, .proxyHeader, .oldAtMaximum,
      .queueFull, .queueTimeout, .retryBudget, .noDescriptor, .migrated, .clientTLS,
      .clientHTTP2:
      false
    }
  }

  var level: Logger.Level {
    if isFailure { return .warning }
    return self == .originBack ? .notice : .info
  }
}

/// Events in the log: the first of a kind at once, the others counted and told with the latest of them once a
/// second at most, so that neither an outage nor a mass migration floods the log; a change of a server's state always.
/// One per worker.
final class EventReports {
  private static let spacingMs: UInt64 = 1_000

  private struct Pending {
    var lastMs: UInt64?
    /// Of those not told yet: how many, and what the latest was about.
    var count = 0
    var metadata: Logger.Metadata = [:]
  }

  private let logger: Logger
  private var pending: [Pending]
  /// Some events wait for ``flush(nowMs:)``.
  private(set) var areWaiting = false

  init(logger: Logger) {
    self.logger = logger
    pending = Array(repeating: Pending(), count: ReportedEvent.allCases.count)
  }

  /// - Parameters:
  ///   - cause: the failure's own words; empty when the event says all.
  ///   - url: what the event is about; empty when it is about none.
  func report(
    _ event: ReportedEvent, at server: OriginServer?, cause: String, url: String, nowMs: UInt64
  ) {
    var metadata: Logger.Metadata = [:]
    if let server {
      metadata["origin"] = "\(server.address)"
      metadata["id"] = "\(server.state.id)"
      metadata["site"] = "\(server.state.site)"
    }
    if !cause.isEmpty { metadata["cause"] = "\(cause)" }
    if event.isToldEachTime {
      return logger.log(level: event.level, "\(event.sentence)", metadata: metadata)
    }
    if !url.isEmpty { metadata["url"] = "\(url)" }
    pending[event.rawValue].count += 1
    pending[event.rawValue].metadata = metadata
    tellIfDue(event, nowMs)
  }

  /// Tells what has waited long enough.
  func flush(nowMs: UInt64) {
    areWaiting = false
    for event in ReportedEvent.allCases where pending[event.rawValue].count > 0 { tellIfDue(event, nowMs) }
  }

  private func tellIfDue(_ event: ReportedEvent, _ nowMs: UInt64) {
    var one = pending[event.rawValue]
    if let lastMs = one.lastMs, nowMs &- lastMs < Self.spacingMs {
      areWaiting = true
      return
    }
    if one.count > 1 { one.metadata["more"] = "\(one.count - 1)" }
    logger.log(level: event.level, "\(event.sentence)", metadata: one.metadata)
    pending[event.rawValue] = Pending(lastMs: nowMs)
  }
}
