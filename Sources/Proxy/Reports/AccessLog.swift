import EventLoop
import Glibc
import Logging

/// The access log: one line a request, written by a thread of its own.
///
/// Workers hand over blocks of lines. What its file or reader does not take waits in memory up to a bound; what is past that
/// is dropped, counted and told: the log never slows a request.
public final class AccessLog: Sendable {
  public enum Destination: Sendable, Equatable {
    case standardOutput
    case file(String)
  }

  /// Whole lines.
  struct Block: Sendable {
    var bytes: [UInt8]
    var lines: Int
  }

  private struct State: ~Copyable {
    var blocks: [Block] = []
    var waitingBytes = 0
    var droppedLines: UInt64 = 0
    /// What the operator has been told of and is not over.
    var trouble: AccessLogTrouble?
    /// The file as its name leads to it now; the writer goes over to it.
    var reopened: LogFile?
    /// When it was closed, on the clock that only goes forward.
    var closedUs: UInt64?
  }

  private static let boundBytes = 16 << 20
  /// After a failure it is tried again so often.
  private static let retryMs: Int32 = 1_000
  /// At the end a reader that takes nothing is waited for no longer.
  private static let closingUs: UInt64 = 2_000_000

  let format: AccessLogFormat
  private let destination: Destination
  private let logger: Logger
  private let doorbell: Doorbell
  private let state: Locked<State>
  private let thread = Locked<LoopThread?>(nil)

  /// Opens the file, appending, and starts the writer.
  ///
  /// - Parameter logger: is told when lines are lost, and when that is over.
  /// - Throws: ``AccessLogError`` when the file can't be opened.
  public init(
    destination: Destination, format: AccessLogFormat = .combined, logger: Logger
  ) throws(AccessLogError) {
    self.destination = destination
    self.format = format
    self.logger = logger
    state = Locked(State(reopened: try LogFile(destination)))
    do throws(EventLoopError) {
      doorbell = try Doorbell()
      var writer: LoopThread? = try LoopThread(name: "access-log") { [self] in run() }
      thread.withLock { $0 = writer.take() }
    } catch {
      throw AccessLogError(path: "the writer's thread", reason: error.description)
    }
  }

  /// Takes lines; from any thread, without waiting for the disk.
  func write(_ block: Block) {
    let (wasEmpty, isNews) = state.withLock { state in
      let wasEmpty = state.blocks.isEmpty
      guard state.waitingBytes + block.bytes.count <= Self.boundBytes else {
        state.droppedLines &+= UInt64(block.lines)
        return (false, state.trouble.setIfNil(.slow))
      }
      state.blocks.append(block)
      state.waitingBytes += block.bytes.count
      return (wasEmpty, false)
    }
    if isNews { tell(.slow) }
    if wasEmpty { doorbell.ring() }
  }

  /// Lines that were dropped, as the file or its reader was too slow, full or gone. Any thread may ask.
  public var droppedLines: UInt64 { state.withLock { $0.droppedLines } }

  /// Opens the access log by its name again, after it was renamed (logrotate). Lines that were handed over before may
  /// still go into the old file.
  ///
  /// - Returns: false when it is no file's, and there is nothing to open.
  /// - Throws: ``AccessLogError`` when it can't be opened; lines go on into the old one then.
  @discardableResult
  public func reopen() throws(AccessLogError) -> Bool {
    guard case .file = destination else { return false }
    var fresh: LogFile? = try LogFile(destination)
    state.withLock { $0.reopened = fresh.take() }
    doorbell.ring()
    return true
  }

  /// Writes what is waiting and ends; returns when that is done, two seconds after a reader has stopped reading at the
  /// latest.
  public func close() {
    state.withLock { $0.closedUs = EventLoop.monotonicUs() }
    doorbell.ring()
    thread.withLock { $0.take() }?.join()
  }

  // MARK: The writer's thread

  private func run() {
    guard var file = takeReopened() else { return }
    var isWritten = true
    while true {
      if let fresh = takeReopened() { file = consume fresh }
      let (blocks, isClosed) = state.withLock { state in
        let taken = state.blocks
        state.blocks = []
        return (taken, state.closedUs != nil)
      }
      if blocks.isEmpty {
        if isClosed { return }
        if isWritten { endTrouble() }
        doorbell.wait()
      }
      for block in blocks { isWritten = write(block, to: &file) }
    }
  }

  private func takeReopened() -> LogFile? {
    state.withLock { $0.reopened.take() }
  }

  /// Returns when the block is written, or dropped: then false.
  private func write(_ block: Block, to file: inout LogFile) -> Bool {
    var done = 0
    while done < block.bytes.count {
      switch file.write(block.bytes, from: done) {
      case .wrote(let count):
        done += count
        continue
      case .full:
        if let closedUs, EventLoop.monotonicUs() &- closedUs >= Self.closingUs {
          return drop(block, from: done)
        }
        doorbell.wait(orWritable: file.descriptor, atMostMs: Self.retryMs)
      case .failed(let code):
        let trouble = AccessLogTrouble(errno: code)
        if state.withLock({ $0.trouble.setIfNil(trouble) }) { tell(trouble) }
        if closedUs != nil || trouble == .readerGone { return drop(block, from: done) }
        doorbell.wait(atMostMs: Self.retryMs)
      }
      if let fresh = takeReopened() {
        file = consume fresh
        // The line that the old file has a part of is whole in the new one.
        done = block.bytes[..<done].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      }
    }
    state.withLock { $0.waitingBytes -= block.bytes.count }
    return true
  }

  private var closedUs: UInt64? { state.withLock { $0.closedUs } }

  private func drop(_ block: Block, from offset: Int) -> Bool {
    let lines = block.bytes[offset...].count { $0 == UInt8(ascii: "\n") }
    state.withLock { state in
      state.droppedLines &+= UInt64(lines)
      state.waitingBytes -= block.bytes.count
    }
    return false
  }

  // MARK: What the operator is told

  private func tell(_ trouble: AccessLogTrouble) {
    logger.error("the access log \(destination) \(trouble)", metadata: ["dropped-lines": "\(droppedLines)"])
  }

  /// Everything is written.
  private func endTrouble() {
    guard state.withLock({ $0.trouble.take() }) != nil else { return }
    logger.notice(
      "the access log \(destination) is written again", metadata: ["dropped-lines": "\(droppedLines)"])
  }
}

extension AccessLog.Destination: CustomStringConvertible {
  public var description: String {
    switch self {
    case .standardOutput: "on standard output"
    case .file(let path): path
    }
  }
}

/// Why the access log does not take its lines.
enum AccessLogTrouble: Equatable, CustomStringConvertible {
  case slow
  case readerGone
  case failing(errno: Int32)

  init(errno code: Int32) {
    self = code == EPIPE ? .readerGone : .failing(errno: code)
  }

  var description: String {
    switch self {
    case .slow:
      "takes its lines too slowly, and those past 16 MiB are dropped: give it a faster disk or reader, or turn it off"
    case .readerGone:
      "has no reader any more, and its lines are dropped: start that again, or Relevo where it reads standard output"
    case .failing(ENOSPC), .failing(EDQUOT):
      "can't be written, as its disk is full; lines wait in memory and are dropped past 16 MiB: make room"
    case .failing(let code):
      "can't be written: \(systemMessage(code)); lines wait in memory and are dropped past 16 MiB"
    }
  }
}

extension Optional {
  /// Sets a value where there is none; true when it did.
  fileprivate mutating func setIfNil(_ value: Wrapped) -> Bool {
    guard self == nil else { return false }
    self = value
    return true
  }
}

/// Why the access log can't be written.
public struct AccessLogError: Error, CustomStringConvertible {
  public let path: String
  public let reason: String
  public var description: String { "the access log \(path) can't be opened: \(reason)" }
}
