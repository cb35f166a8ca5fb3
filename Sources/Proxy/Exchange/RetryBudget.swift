/// Keeps retries from becoming a storm: a worker may repeat a part of its requests, and a few more, in any ten seconds or
/// so. A server that is slow or broken under its load then gets little more of it, not a multiple.
///
/// Both sides are estimates that fade: what was counted before counts for less as ten seconds pass. Nothing is done for
/// a request that is not repeated.
struct RetryBudget {
  private static let windowMs = 10_000.0
  /// Retries in a window that are free: a quiet site has no storms.
  static let floor = 100.0

  /// Of the requests, how many may be repeated, in hundredths.
  private var percent: Double
  private var requests = 0.0
  private var retries = 0.0
  private var requestsSeen: UInt64 = 0
  private var lastMs: UInt64

  init(percent: Int, nowMs: UInt64) {
    self.percent = Double(percent)
    lastMs = nowMs
  }

  /// Allows for so many from now on.
  mutating func setPercent(_ percent: Int) { self.percent = Double(percent) }

  /// Takes one retry from the budget; false when nothing is left.
  ///
  /// - Parameter requestCount: requests since the start, of which the present one is one.
  mutating func take(requestCount: UInt64, nowMs: UInt64) -> Bool {
    let elapsed = Double(nowMs >= lastMs ? nowMs - lastMs : 0)
    let arrived = Double(requestCount &- requestsSeen)
    (lastMs, requestsSeen) = (nowMs, requestCount)
    let kept = max(0, 1 - elapsed / Self.windowMs)
    // Of what came in more than a window, a window's part.
    requests = requests * kept + arrived * min(1, Self.windowMs / max(elapsed, 1))
    retries *= kept
    guard retries + 1 <= Self.floor + requests * percent / 100 else { return false }
    retries += 1
    return true
  }
}
