/// Follows the content of a message through its bytes, in place, as they come.
///
/// The owner keeps a buffer. After each `scan` it sends on the bytes up to `forward`, drops those up to
/// `consumed`, and puts what is left at the front, before the bytes that come next. At most 4096 bytes are
/// ever left over while the state is `more`: a chunk's line that is not complete. Nothing is allocated,
/// whatever the size.
public struct BodyScanner: Sendable {
  /// What of the chunked coding goes on.
  public enum Output: Sendable {
    /// Sizes stay as sent; chunk extensions and trailers are cut out. The next hop gets a chunked body.
    case verbatim
    /// The content alone goes on: for a client that speaks HTTP/1.0.
    case payload
  }

  public enum State: Sendable, Equatable {
    /// The body goes on after these bytes.
    case more
    /// The body has ended; bytes after `consumed` belong to what follows.
    case finished
    /// The body is wrong at `consumed`; nothing of it goes on any more.
    case malformed(MalformedMessage)
  }

  public struct Progress: Sendable, Equatable {
    /// Bytes dealt with, from the front.
    public var consumed: Int
    /// Bytes that go on, from the front; at most `consumed`.
    public var forward: Int
    public var state: State
  }

  private enum Phase {
    case length(UInt64)
    case untilClose
    case chunkLine(ChunkLine)
    case chunkData(UInt64)
    case chunkEnd
    case trailers(TrailerSection)
    case finished
    case malformed(MalformedMessage)
  }

  private var phase: Phase
  private let output: Output

  public init(_ framing: BodyFraming, output: Output = .verbatim) {
    self.output = output
    switch framing {
    case .none, .length(0): phase = .finished
    case .length(let length): phase = .length(length)
    case .chunked: phase = .chunkLine(ChunkLine())
    case .untilClose: phase = .untilClose
    }
  }

  /// Bytes that are still to come, where Content-Length told; 0 when finished, nil when not known.
  public var remainingBytes: UInt64? {
    switch phase {
    case .length(let remaining): remaining
    case .finished: 0
    case .untilClose, .chunkLine, .chunkData, .chunkEnd, .trailers, .malformed: nil
    }
  }

  /// Whether the end of the body has been seen. Never true for a body that ends with the connection.
  public var isFinished: Bool {
    if case .finished = phase { true } else { false }
  }

  /// Deals with `bytes` from the front.
  ///
  /// Afterwards `bytes[..<forward]` go on: they were validated, and moved only when something before them was
  /// cut out. `bytes[consumed...]` were not looked at or are not complete. Once finished or malformed, it
  /// consumes nothing. Time is linear in the bytes added since the scan before.
  public mutating func scan(_ bytes: UnsafeMutableRawBufferPointer) -> Progress {
    var sieve = unsafe Sieve(bytes)
    let state = advance(&sieve)
    return Progress(consumed: sieve.consumed, forward: sieve.kept, state: state)
  }

  /// Counts bytes of the content that have gone by unseen, where ``remainingBytes`` tells of so many.
  public mutating func skip(_ count: Int) {
    guard case .length(let remaining) = phase else { return }
    let skipped = UInt64(clamping: count)
    phase = skipped < remaining ? .length(remaining - skipped) : .finished
  }

  private mutating func advance(_ sieve: inout Sieve) -> State {
    while true {
      do throws(MalformedMessage) {
        guard try step(&sieve) else { return isFinished ? .finished : .more }
      } catch {
        phase = .malformed(error)
        return .malformed(error)
      }
    }
  }

  /// One step of the body; false when there is none to take with the bytes at hand.
  private mutating func step(_ sieve: inout Sieve) throws(MalformedMessage) -> Bool {
    switch phase {
    case .finished: return false
    case .malformed(let reason): throw reason
    case .untilClose:
      sieve.keep(sieve.remaining)
      return false
    case .length(let remaining):
      let left = sieve.keep(atMost: remaining)
      phase = left == 0 ? .finished : .length(left)
      return false
    case .chunkLine(var line):
      guard try line.advance(sieve) else {
        phase = .chunkLine(line)
        return false
      }
      pass(line, &sieve)
      phase = line.size == 0 ? .trailers(TrailerSection()) : .chunkData(line.size)
      return true
    case .chunkData(let remaining):
      let left = sieve.keep(atMost: remaining)
      phase = left == 0 ? .chunkEnd : .chunkData(left)
      return left == 0
    case .chunkEnd:
      guard try sieve.hasLineEnd(orElse: .missingChunkEnd) else { return false }
      pass(lineEnd: &sieve)
      phase = .chunkLine(ChunkLine())
      return true
    case .trailers(var section):
      let hasEnded = try section.advance(&sieve)
      phase = hasEnded ? .finished : .trailers(section)
      if hasEnded { pass(lineEnd: &sieve) }
      return false
    }
  }

  private func pass(_ line: ChunkLine, _ sieve: inout Sieve) {
    switch output {
    case .verbatim:
      sieve.keep(line.digits)
      sieve.drop(line.length - line.digits - 2)
      sieve.keep(2)
    case .payload: sieve.drop(line.length)
    }
  }

  private func pass(lineEnd sieve: inout Sieve) {
    switch output {
    case .verbatim: sieve.keep(2)
    case .payload: sieve.drop(2)
    }
  }
}
