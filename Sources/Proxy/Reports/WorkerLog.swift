import EventLoop
import HTTP1

/// One worker's part of the access log: lines are gathered here and handed over in blocks, so that no loop
/// waits for a disk.
final class WorkerLog {
  private static let blockBytes = 32 << 10
  private let log: AccessLog
  private let format: AccessLogFormat
  /// Each is used where it is stored: what it keeps of the line before is not copied.
  private var combined = CombinedLine()
  private var json = JSONLine()
  private var lines = ByteWriter(capacity: blockBytes + 4096)
  private var lineCount = 0

  init(_ log: AccessLog) {
    self.log = log
    format = log.format
  }

  /// Adds the line of a request.
  ///
  /// - Parameters:
  ///   - bytes: begin with its head.
  ///   - nowMs: milliseconds since 1970.
  func write(_ request: LoggedRequest, bytes: RawSpan, nowMs: UInt64) {
    switch format {
    case .combined: combined.write(request, bytes: bytes, nowMs: nowMs, into: &lines)
    case .json: json.write(request, bytes: bytes, nowMs: nowMs, into: &lines)
    }
    endLine()
  }

  /// Adds the line of a message that was no request.
  func write(_ refusal: LoggedRefusal, nowMs: UInt64) {
    switch format {
    case .combined: combined.write(refusal, nowMs: nowMs, into: &lines)
    case .json: json.write(refusal, nowMs: nowMs, into: &lines)
    }
    endLine()
  }

  private func endLine() {
    lineCount += 1
    if lines.count >= Self.blockBytes { flush() }
  }

  /// Hands what is gathered to the log's thread.
  func flush() {
    if lines.isEmpty { return }
    lines.withBytes { bytes in
      unsafe bytes.withUnsafeBytes { unsafe log.write(AccessLog.Block(bytes: Array($0), lines: lineCount)) }
    }
    lines.removeAll()
    lineCount = 0
  }
}
