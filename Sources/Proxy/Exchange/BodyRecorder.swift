import EventLoop
import Glibc

/// A request's body as it was forwarded, kept so that it can be sent once more.
///
/// In memory it is kept where it was received: a block that is full of it changes hands, and only short parts are copied. Past
/// `memoryLimit`, or when the worker's memory for this is spent, all of it goes to an unlinked temporary file, which the kernel
/// removes with the last descriptor, whatever happens to the process.
///
///     announced:  | recorded: in blocks, or in the file | still in the client's input |
final class BodyRecorder {
  enum Failure: Error, Equatable {
    /// The body is longer than what may be recorded.
    case pastLimit
    /// The temporary file cannot be made or written, or there is no memory.
    case file(errno: Int32)
  }

  /// A block with a part of the body.
  private final class Part {
    /// Where it begins in the body.
    let start: Int
    var bytes: Buffer

    init(start: Int, _ bytes: consuming Buffer) {
      self.start = start
      self.bytes = bytes
    }
  }

  /// Shorter parts are copied behind the one before.
  private static let leastGivenBytes = 8 << 10

  private let memoryLimit: Int
  private let limit: Int
  private let budget: ReplayBudget
  private var parts: [Part] = []
  /// Owned; -1 while all is in memory.
  private var file: Int32 = -1
  /// Bytes recorded.
  private(set) var count = 0
  /// Bytes that have come, whether recorded yet or not.
  private var announced = 0

  /// - Parameters:
  ///   - memoryLimit: the most bytes that stay in memory.
  ///   - limit: the most bytes of all.
  ///   - budget: what all bodies of the worker may take of its memory together.
  init(memoryLimit: Int, limit: Int, budget: ReplayBudget) {
    self.memoryLimit = memoryLimit
    self.limit = limit
    self.budget = budget
  }

  deinit {
    if file >= 0 { close(file) } else { budget.giveBack(count) }
  }

  /// So many bytes more have come, to be recorded when they leave the client's input.
  func announce(_ bytes: Int) throws(Failure) {
    guard bytes <= limit - announced else { throw .pastLimit }
    announced += bytes
  }

  /// Takes the `bytes` from `offset` on out of the client's input, in which nothing else changes.
  func take(_ bytes: Int, at offset: Int, from input: inout Buffer) throws(Failure) {
    if bytes == 0 { return }
    if file < 0, count + bytes > memoryLimit || !budget.take(bytes) { try moveToFile() }
    if file >= 0 {
      unsafe try write(UnsafeRawBufferPointer(rebasing: input.readable[offset..<offset + bytes]))
      input.remove(at: offset, bytes)
    } else if !keep(bytes, at: offset, from: &input) {
      budget.giveBack(bytes)
      throw .file(errno: ENOMEM)
    }
    count += bytes
  }

  /// Keeps bytes in memory; false without memory.
  private func keep(_ bytes: Int, at offset: Int, from input: inout Buffer) -> Bool {
    if bytes >= Self.leastGivenBytes {
      guard let given = input.giveAway(at: offset, bytes) else { return false }
      parts.append(Part(start: count, given))
      return true
    }
    let copied = unsafe UnsafeRawBufferPointer(rebasing: input.readable[offset..<offset + bytes]).bytes
    if parts.last?.bytes.append(copied) != true {
      let part = Part(start: count, input.another())
      guard part.bytes.append(copied) else { return false }
      parts.append(part)
    }
    input.remove(at: offset, bytes)
    return true
  }

  /// Copies recorded bytes from `offset` on into `target`, not always as many as there are; 0 when there are no more.
  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let wanted = min(target.count, count - offset)
    if wanted <= 0 { return 0 }
    if file < 0 {
      guard let part = parts.last(where: { $0.start <= offset }) else { return 0 }
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: part.bytes.readable[(offset - part.start)...])
      let read = min(wanted, bytes.count)
      unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<read]))
      return read
    }
    let got = unsafe pread(file, target.baseAddress, wanted, off_t(offset))
    if got <= 0 { throw .file(errno: got < 0 ? errno : EIO) }
    return got
  }

  private func moveToFile() throws(Failure) {
    let named = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? ""
    let folder = named.isEmpty ? "/tmp" : named
    var template = Array("\(folder)/relevo-body-XXXXXX".utf8CString)
    let descriptor = unsafe mkstemp(&template)
    if descriptor < 0 { throw .file(errno: errno) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    unsafe unlink(template)
    budget.giveBack(count)
    file = descriptor
    for part in parts { unsafe try write(UnsafeRawBufferPointer(part.bytes.readable)) }
    parts = []
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let written = unsafe Glibc.write(file, bytes.baseAddress?.advanced(by: done), bytes.count - done)
      if written > 0 {
        done += written
      } else if written < 0, errno == EINTR {
        continue
      } else {
        throw .file(errno: written < 0 ? errno : EIO)
      }
    }
  }
}

/// What the bodies that are recorded on one worker may take of its memory together. Used on its thread only.
final class ReplayBudget {
  private var bytes: Int
  /// Below 0 while bodies have more than they may have since the limit was lowered.
  private var leftBytes: Int

  init(bytes: Int) {
    self.bytes = bytes
    leftBytes = bytes
  }

  /// Allows for so many from now on.
  func setLimit(_ limit: Int) {
    leftBytes += limit - bytes
    bytes = limit
  }

  /// False when so much is not left.
  func take(_ bytes: Int) -> Bool {
    guard bytes <= leftBytes else { return false }
    leftBytes -= bytes
    return true
  }

  func giveBack(_ bytes: Int) { leftBytes += bytes }
}
