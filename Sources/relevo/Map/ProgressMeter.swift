import Glibc

/// One line on a terminal's standard error that says how far long work has come; nothing in a pipe.
///
/// ```
/// loading urls.map   43 %   212 MB of 490 MB   98.2 MB/s   3 s left
/// ```
/// The line appears once the work has taken half a second, is drawn ten times a second at most and is wiped at the end.
struct ProgressMeter {
  private let action: String
  private let totalBytes: Int?
  private let columns: Int
  private let clock: () -> ContinuousClock.Instant
  private let write: (String) -> Void
  private let start: ContinuousClock.Instant
  /// When the line may be drawn next; nil: there is no terminal.
  private var nextDrawing: ContinuousClock.Instant?
  private var isDrawn = false

  private static let patience = Duration.milliseconds(500)
  private static let interval = Duration.milliseconds(100)

  /// - Parameters:
  ///   - action: what is done to what, as in `loading urls.map`.
  ///   - totalBytes: of the whole work; nil when it cannot be known, as of a pipe.
  init(_ action: String, totalBytes: Int?) {
    self.init(
      action, totalBytes: totalBytes, columns: StandardStream.error.isTerminal ? Terminal.columns : nil,
      clock: { .now }, write: StandardStream.error.write)
  }

  /// - Parameter columns: of the terminal; nil without one.
  init(
    _ action: String, totalBytes: Int?, columns: Int?, clock: @escaping () -> ContinuousClock.Instant,
    write: @escaping (String) -> Void
  ) {
    self.action = action
    self.totalBytes = totalBytes
    self.columns = columns ?? 0
    self.clock = clock
    self.write = write
    start = clock()
    nextDrawing = columns == nil ? nil : start + Self.patience
  }

  /// Tells that so many bytes of the work are done. Cheap: may be called for every piece that is read.
  mutating func update(doneBytes: Int) {
    guard let due = nextDrawing else { return }
    let now = clock()
    guard now >= due else { return }
    write("\r\(line(doneBytes: doneBytes, elapsed: now - start))\u{1B}[K")
    isDrawn = true
    nextDrawing = now + Self.interval
  }

  /// Wipes the line. The work is over, or an error is about to be shown.
  mutating func finish() {
    if isDrawn { write("\r\u{1B}[K") }
    isDrawn = false
    nextDrawing = nil
  }

  /// As many of its parts, the first ones first, as fit into the terminal's line.
  func line(doneBytes: Int, elapsed: Duration) -> String {
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    // No more than an Int can tell, however odd the clock.
    let rate = seconds > 0 ? min(Double(doneBytes) / seconds, 1e15) : 0
    var parts = [action]
    if let totalBytes, totalBytes > 0 {
      // A file may grow while it is read.
      let total = max(totalBytes, doneBytes)
      parts.append("\(Int(Double(doneBytes) * 100 / Double(total))) %")
      parts.append("\(Figures.bytes(doneBytes)) of \(Figures.bytes(total))")
      parts.append("\(Figures.bytes(Int(rate)))/s")
      if rate > 0 { parts.append("\(Self.time(seconds: Double(total - doneBytes) / rate)) left") }
    } else {
      parts.append(Figures.bytes(doneBytes))
      parts.append("\(Figures.bytes(Int(rate)))/s")
    }
    var line = ""
    for part in parts {
      let longer = line.isEmpty ? part : "\(line)   \(part)"
      // The last column stays free: some terminals wrap as soon as it is written.
      guard longer.count < columns else { break }
      line = longer
    }
    return line
  }

  private static func time(seconds: Double) -> String {
    let whole = seconds < 360_000 ? Int(seconds.rounded(.up)) : 360_000
    return whole < 90 ? "\(whole) s" : "\((whole + 59) / 60) min"
  }
}
