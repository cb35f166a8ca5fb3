import EventLoop
import Glibc
import Synchronization

/// The access log: one line a request, written by a thread of its own.
///
/// Workers hand over blocks of lines. When the disk cannot keep up, what is past the bound is dropped and
/// counted: the log never slows a request.
public final class AccessLog: Sendable {
  public enum Destination: Sendable, Equatable {
    case standardOutput
    case file(String)
  }

  private struct State {
    var blocks: [[UInt8]] = []
    var waitingBytes = 0
    var droppedBytes: UInt64 = 0
    var descriptor: Int32
    /// The file as its name leads to it now; takes the place of `descriptor`.
    var reopened: Int32?
    var isClosed = false
  }

  private static let boundBytes = 16 << 20
  private static let pauseMicroseconds: UInt32 = 100_000
  private let destination: Destination
  private let state: Locked<State>
  private let isDone = Atomic<Bool>(false)

  /// Opens the file, appending, and starts the writer.
  ///
  /// - Throws: ``AccessLogError`` when the file can't be opened.
  public init(destination: Destination) throws(AccessLogError) {
    self.destination = destination
    state = Locked(State(descriptor: try Self.open(destination)))
    do throws(EventLoopError) {
      let thread = try LoopThread(name: "access-log") { [self] in run() }
      thread.detach()
    } catch {
      throw AccessLogError(path: "the writer's thread", reason: error.description)
    }
  }

  /// Takes lines; from any thread, without waiting for the disk.
  func write(_ block: [UInt8]) {
    state.withLock { state in
      if state.waitingBytes + block.count > Self.boundBytes {
        state.droppedBytes &+= UInt64(block.count)
      } else {
        state.blocks.append(block)
        state.waitingBytes += block.count
      }
    }
  }

  /// Bytes of lines that were dropped since the disk was too slow, full or gone.
  public var droppedBytes: UInt64 { state.withLock { $0.droppedBytes } }

  /// Opens the file by its name again, after it was renamed (logrotate).
  ///
  /// - Throws: ``AccessLogError`` when it can't be opened; lines go on into the old one then.
  public func reopen() throws(AccessLogError) {
    guard case .file = destination else { return }
    let fresh = try Self.open(destination)
    let unused = state.withLock { state in
      let unused = state.reopened
      state.reopened = fresh
      return unused
    }
    if let unused { Glibc.close(unused) }
  }

  /// Writes what is waiting and ends; returns when that is done.
  public func close() {
    state.withLock { $0.isClosed = true }
    while !isDone.load(ordering: .acquiring) { usleep(1_000) }
  }

  private func run() {
    while true {
      takeReopened()
      let (blocks, descriptor, isClosed) = state.withLock { state in
        let taken = (state.blocks, state.descriptor, state.isClosed)
        state.blocks = []
        state.waitingBytes = 0
        return taken
      }
      for block in blocks where !Self.writeAll(block, to: descriptor) {
        state.withLock { $0.droppedBytes &+= UInt64(block.count) }
      }
      if isClosed { break }
      if blocks.isEmpty { usleep(Self.pauseMicroseconds) }
    }
    if case .file = destination { Glibc.close(state.withLock { $0.descriptor }) }
    isDone.store(true, ordering: .releasing)
  }

  private func takeReopened() {
    let replaced = state.withLock { state -> Int32? in
      guard let fresh = state.reopened.take() else { return nil }
      defer { state.descriptor = fresh }
      return state.descriptor
    }
    if let replaced { Glibc.close(replaced) }
  }

  /// False when not all of it could be written.
  private static func writeAll(_ block: [UInt8], to descriptor: Int32) -> Bool {
    unsafe block.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let written = unsafe Glibc.write(
          descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
        if written > 0 {
          done += written
        } else if written < 0, errno == EINTR {
          continue
        } else {
          return false
        }
      }
      return true
    }
  }

  private static func open(_ destination: Destination) throws(AccessLogError) -> Int32 {
    switch destination {
    case .standardOutput: return STDOUT_FILENO
    case .file(let path):
      let descriptor = unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
      if descriptor < 0 { throw AccessLogError(path: path, reason: systemMessage(errno)) }
      return descriptor
    }
  }
}

/// Why the access log can't be written.
public struct AccessLogError: Error, CustomStringConvertible {
  public let path: String
  public let reason: String
  public var description: String { "the access log \(path) can't be opened: \(reason)" }
}
