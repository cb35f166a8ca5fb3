import EventLoop
import HTTP1

/// One worker's part of the access log: lines are gathered here and handed over in blocks, so that no loop
/// waits for a disk.
final class WorkerLog {
  private enum Format {
    case combined(CombinedLine)
    case json(JSONLine)
  }

  private static let blockBytes = 32 << 10
  private let log: AccessLog
  private var format: Format
  private var lines = ByteWriter(capacity: blockBytes + 4096)
  private var lineCount = 0

  init(_ log: AccessLog) {
    self.log = log
    format =
      switch log.format {
      case .combined: .combined(CombinedLine())
      case .json: .json(JSONLine())
      }
  }

  /// Adds the line of a request.
  ///
  /// - Parameters:
  ///   - bytes: begin with its head.
  ///   - nowMs: milliseconds since 1970.
  func write(_ request: LoggedRequest, bytes: RawSpan, nowMs: UInt64) {
    switch format {
    case .combined(var line):
      line.write(request, bytes: bytes, nowMs: nowMs, into: &lines)
      format = .combined(line)
    case .json(var line):
      line.write(request, bytes: bytes, nowMs: nowMs, into: &lines)
      format = .json(line)
    }
    endLine()
  }

  /// Adds the line of a message that was no request.
  func write(_ refusal: LoggedRefusal, nowMs: UInt64) {
    switch format {
    case .combined(var line):
      line.write(refusal, nowMs: nowMs, into: &lines)
      format = .combined(line)
    case .json(var line):
      line.write(refusal, nowMs: nowMs, into: &lines)
      format = .json(line)
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
