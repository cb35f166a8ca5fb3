import EventLoop
import Logging
import TLS

/// Asks the servers for their page at even distances and writes into their ``OriginState`` what comes of it. All of it is
/// used on one thread.
///
/// Each request has a connection of its own, since a server that takes no new ones is down. None of it passes the proxy: no
/// counter, log or map knows of it.
final class HealthChecker {
  /// A change of what names lead to is seen after this long at the latest, and the first checks are spread over it.
  private static let lookAgainMs: UInt64 = 1_000

  private let checks: HealthChecks
  private let registry: OriginRegistry
  private let tls: @Sendable () -> TLSClientContext?
  private let logger: Logger
  private let loop: EventLoop
  private let client: HTTPClient
  private var timer: LoopTimer?
  private var subjects: [Subject] = []

  /// One server that is checked.
  private final class Subject {
    let origin: OriginState
    let target: HealthChecks.Target
    var track: HealthTrack
    /// When its next check begins; nil while one is under way.
    var dueMs: UInt64?

    init(_ origin: OriginState, _ target: HealthChecks.Target, _ track: HealthTrack, dueMs: UInt64) {
      self.origin = origin
      self.target = target
      self.track = track
      self.dueMs = dueMs
    }
  }

  /// - Parameter tls: for servers of https:// URLs, as it is at the time.
  init(
    _ checks: HealthChecks, of registry: OriginRegistry, tls: @escaping @Sendable () -> TLSClientContext?,
    logger: Logger
  ) throws(EventLoopError) {
    self.tls = tls
    self.checks = checks
    self.registry = registry
    self.logger = logger
    loop = try EventLoop()
    client = HTTPClient(loop: loop, limits: HTTPClient.Limits(timeout: checks.timeout))
  }

  /// Returns when the mailbox has got its message.
  func run(until mailbox: Mailbox<Void>) throws(EventLoopError) {
    let receiver = try mailbox.attach(to: loop) { [loop] in loop.stop() }
    timer = try LoopTimer(loop: loop) { [unowned self] in turn() }
    timer?.startIfStopped(everyMs: 0)
    withExtendedLifetime(receiver) { loop.run() }
    timer = nil
  }

  // MARK: Turns

  private func turn() {
    let nowMs = EventLoop.monotonicMs()
    follow(registry.all, nowMs)
    for subject in subjects {
      if let dueMs = subject.dueMs, dueMs <= nowMs { begin(subject, nowMs) }
    }
    sleep(EventLoop.monotonicMs())
  }

  private func sleep(_ nowMs: UInt64) {
    let dueMs = subjects.compactMap(\.dueMs).min() ?? .max
    timer?.stop()
    timer?.startIfStopped(everyMs: min(dueMs > nowMs ? dueMs - nowMs : 0, Self.lookAgainMs))
  }

  /// Takes new servers up and lets go of those that names lead to no more.
  private func follow(_ origins: [OriginState], _ nowMs: UInt64) {
    let checked = origins.compactMap { origin in checks.target(of: origin.site).map { (origin, $0) } }
    if checked.count == subjects.count, zip(checked, subjects).allSatisfy({ $0.0 === $1.origin }) { return }
    let spreadMs = min(Self.lookAgainMs, checks.interval.wholeMilliseconds)
    subjects = checked.enumerated().map { place, one in
      subjects.first { $0.origin === one.0 }
        ?? Subject(
          one.0, one.1, HealthTrack(rise: checks.rise, fall: checks.fall, after: one.0.checked),
          dueMs: nowMs &+ spreadMs * UInt64(place) / UInt64(checked.count))
    }
  }

  // MARK: Checks

  private func begin(_ subject: Subject, _ nowMs: UInt64) {
    subject.dueMs = nil
    let began = ContinuousClock.now
    let request = HTTPClientRequest(
      address: subject.origin.address, target: subject.target.path,
      headers: [
        ("Host", subject.target.host ?? subject.origin.authority), ("User-Agent", checks.userAgent),
        ("Accept", "*/*"),
      ], tls: subject.origin.tlsName.flatMap { tls()?.peer(named: $0) })
    do throws(EventLoopError) {
      try client.send(request) { [unowned self] result in
        ended(subject, result, took: .now - began)
        subject.dueMs = nowMs &+ checks.interval.wholeMilliseconds
        sleep(EventLoop.monotonicMs())
      }
    } catch {
      // This process is short of something: that says nothing of the server.
      logger.error("a server can't be checked", metadata: ["cause": "\(error)"])
      subject.dueMs = nowMs &+ checks.interval.wholeMilliseconds
    }
  }

  private func ended(
    _ subject: Subject, _ result: Result<HTTPClientResponse, HTTPClientError>, took: Duration
  ) {
    let verdict = HealthVerdict(result, took: took, of: subject.origin.site, by: checks)
    let change = subject.track.take(passed: verdict.passed)
    subject.origin.setCheckMessage(verdict.message)
    guard let change else { return }
    subject.origin.setChecked(change)
    tell(change, subject.origin, verdict)
  }

  private func tell(_ health: CheckedHealth, _ origin: OriginState, _ verdict: HealthVerdict) {
    let site = origin.site
    var metadata: Logger.Metadata = [
      "origin": "\(origin.address)", "id": "\(origin.id)", "cause": "\(verdict.message)",
    ]
    switch health {
    case .unchecked: break
    case .up: logger.notice("a server of the \(site) site is up by its checks", metadata: metadata)
    case .down:
      metadata["remedy"] = "\(verdict.remedy)"
      guard registry.all.allSatisfy({ $0.site != site || $0.checked == .down }) else {
        return logger.warning("a server of the \(site) site is down by its checks", metadata: metadata)
      }
      let consequence =
        switch site {
        case .new: "they are asked all the same"
        case .old: "no page is asked of it until one is up"
        }
      logger.error(
        "every server of the \(site) site is down by its checks: \(consequence)", metadata: metadata)
    }
  }
}
