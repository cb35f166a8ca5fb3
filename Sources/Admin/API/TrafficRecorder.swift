import EventLoop
import Proxy

/// Keeps how the traffic went, fed once a second by the admin plane's loop.
final class TrafficRecorder: Sendable {
  /// How often `record` is to be called.
  static let everyMs: UInt64 = 1_000

  private let history = Locked(TrafficHistory())

  func record(_ metrics: ProxyMetrics) {
    let (now, ms) = (SystemClock.now, EventLoop.monotonicMs())
    history.withLock { $0.record(metrics, at: now, ms: ms) }
  }

  /// What was counted within about the last minute.
  var recent: ProxyMetrics { history.withLock { $0.recent } }

  func answer(hours: Int) -> TrafficAnswer {
    let history = history.withLock { $0 }
    let recent = history.recent
    return TrafficAnswer(
      step: TrafficHistory.step,
      samples: history.samples(hours: hours).map { sample in
        TrafficAnswer.Sample(at: sample.at, requests: Self.byName(sample.requests))
      },
      routes: Route.allCases.map { route in
        TrafficAnswer.Traveled(
          route: route.label, requests: history.requests[route], rate: history.rate(of: route),
          latency: LatencyAnswer(recent.latency(of: route)))
      },
      oldShare: TrafficAnswer.OldShare(
        now: history.oldShareNow, lastHour: history.oldShare(hours: 1),
        last24Hours: history.oldShare(hours: 24)))
  }

  private static func byName(_ counts: RouteCounts) -> [String: UInt64] {
    Dictionary(uniqueKeysWithValues: Route.allCases.map { ($0.label, counts[$0]) })
  }
}

struct TrafficAnswer: Encodable {
  struct Sample: Encodable {
    let at: UInt32
    let requests: [String: UInt64]
  }

  struct Traveled: Encodable {
    let route: String
    let requests: UInt64
    let rate: Double
    let latency: LatencyAnswer?
  }

  struct OldShare: Encodable {
    let now: Double?
    let lastHour: Double?
    let last24Hours: Double?
  }

  let step: Int
  let samples: [Sample]
  let routes: [Traveled]
  let oldShare: OldShare
}

/// Percentiles in seconds.
struct LatencyAnswer: Encodable {
  let p50: Double
  let p95: Double
  let p99: Double

  /// Nil when nothing was timed.
  init?(_ histogram: LatencyHistogram) {
    guard let p50 = histogram.quantile(0.5), let p95 = histogram.quantile(0.95),
      let p99 = histogram.quantile(0.99)
    else { return nil }
    (self.p50, self.p95, self.p99) = (p50, p95, p99)
  }
}
