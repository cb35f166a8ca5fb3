/// How the traffic went: by the minute over 24 hours, by the second just now.
///
/// A pure value, which somebody feeds with the proxy's metrics about once a second. Times that it is given are those of
/// the wall clock for the minutes' names, and of the clock that only goes forward for what is divided by time.
public struct TrafficHistory: Sendable {
  /// The seconds of one sample.
  public static let step = 60
  /// Samples that are kept.
  public static let samplesKept = 24 * 60
  private static let rateMs: UInt64 = 5_000
  private static let recentMs: UInt64 = 60_000
  private static let recentStepMs: UInt64 = 5_000

  /// The requests that ended within one minute.
  public struct Sample: Sendable, Equatable {
    /// When the minute began, in seconds since 1970.
    public var at: UInt32
    public var requests = RouteCounts()
  }

  private struct Moment {
    var ms: UInt64
    var metrics: ProxyMetrics
  }

  private var samples: [Sample] = []
  /// One state a second, from a little more than `rateMs` ago on.
  private var lastSeconds: [(ms: UInt64, requests: RouteCounts)] = []
  /// One state in `recentStepMs`, from a little more than `recentMs` ago on.
  private var lastMinute: [Moment] = []
  private var latest = ProxyMetrics()

  public init() {}

  /// Takes the state of the proxy. What it had counted before the first call belongs to no sample.
  ///
  /// - Parameters:
  ///   - seconds: since 1970. When this clock is put back, what comes is added to the newest sample.
  ///   - ms: on a clock that only goes forward.
  public mutating func record(_ metrics: ProxyMetrics, at seconds: UInt32, ms: UInt64) {
    let requests = metrics.requests
    let isFirst = samples.isEmpty
    beginSample(at: seconds - seconds % UInt32(Self.step))
    if !isFirst { samples[samples.count - 1].requests.add(requests.since(latest.requests)) }
    latest = metrics

    lastSeconds.append((ms, requests))
    while lastSeconds.count > 1, ms.since(lastSeconds[1].ms) >= Self.rateMs { lastSeconds.removeFirst() }
    if ms.since(lastMinute.last?.ms ?? 0) >= Self.recentStepMs || lastMinute.isEmpty {
      lastMinute.append(Moment(ms: ms, metrics: metrics))
    }
    while lastMinute.count > 1, ms.since(lastMinute[1].ms) >= Self.recentMs { lastMinute.removeFirst() }
  }

  /// All requests that have ended, up to the latest state.
  public var requests: RouteCounts { latest.requests }

  /// The samples of the last hours, the oldest first and the running minute last.
  public func samples(hours: Int) -> [Sample] {
    samples.suffix(max(0, min(hours, 24)) * 3600 / Self.step)
  }

  /// Requests a second on a route, over the last five seconds.
  public func rate(of route: Route) -> Double {
    guard let first = lastSeconds.first, let last = lastSeconds.last, last.ms > first.ms else { return 0 }
    return Double(last.requests[route].since(first.requests[route])) / (Double(last.ms - first.ms) / 1000)
  }

  /// What has been counted within about the last minute, up to the latest state.
  public var recent: ProxyMetrics {
    latest.since(lastMinute.first?.metrics ?? latest)
  }

  /// ``RouteCounts/oldShare`` of about the last minute.
  public var oldShareNow: Double? { recent.requests.oldShare }

  /// ``RouteCounts/oldShare`` of the last hours, 1 to 24.
  public func oldShare(hours: Int) -> Double? {
    samples(hours: hours).reduce(into: RouteCounts()) { $0.add($1.requests) }.oldShare
  }

  /// Makes the minute the newest sample, with empty ones for those between, unless it is past.
  private mutating func beginSample(at minute: UInt32) {
    guard let newest = samples.last?.at else {
      samples = [Sample(at: minute)]
      return
    }
    guard minute > newest else { return }
    let missing = Int(minute - newest) / Self.step
    if missing >= Self.samplesKept { samples = [] }
    let first = UInt32(max(0, Int(minute) - (min(missing, Self.samplesKept) - 1) * Self.step))
    for at in stride(from: first, through: minute, by: Self.step) { samples.append(Sample(at: at)) }
    samples.removeFirst(max(0, samples.count - Self.samplesKept))
  }
}
