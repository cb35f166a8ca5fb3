import Foundation

/// A message head as it was on the wire, with a lenient view of its lines.
///
/// The harness parses on its own, so that a fault in the proxy's parser cannot hide itself here.
struct Head: Sendable, CustomStringConvertible {
  /// Every byte from the start line to the empty line.
  let bytes: Bytes
  /// The lines without their line ends; the first is the start line.
  let lines: [String]

  init(_ bytes: Bytes) {
    self.bytes = bytes
    var lines: [String] = []
    var start = 0
    while let end = bytes.offset(of: [13, 10], from: start), end > start {
      lines.append(Bytes(bytes[start..<end]).text)
      start = end + 2
    }
    self.lines = lines
  }

  var description: String { bytes.text.debugDescription }
  var startLine: String { lines.first ?? "" }
  /// The field lines in order, byte for byte.
  var fieldLines: [String] { Array(lines.dropFirst()) }
  /// The words of the start line.
  var words: [String] { startLine.split(separator: " ", maxSplits: 2).map(String.init) }

  /// The values of every field of this name, without outer white space, in order.
  func values(_ name: String) -> [String] {
    fieldLines.compactMap { line in
      guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased()
      else { return nil }
      return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
  }

  /// The value of the first field of this name.
  subscript(name: String) -> String? { values(name).first }
}

/// The bytes of a connection in the order of their arrival.
final class ByteStream {
  let socket: Socket
  private var buffer: Bytes = []
  private var start = 0

  init(_ socket: Socket) { self.socket = socket }

  private var available: Int { buffer.count - start }

  /// Receives more; false at the end of the stream.
  private func fill(_ deadline: Deadline) throws -> Bool {
    if start > 0 {
      buffer.removeFirst(start)
      start = 0
    }
    let more = try socket.receive(deadline)
    buffer += more
    return !more.isEmpty
  }

  private func take(_ count: Int) -> Bytes {
    defer { start += count }
    return Bytes(buffer[start..<start + count])
  }

  /// Everything up to and with `end`; nil when the stream ends before its first byte.
  func read(through end: Bytes, _ deadline: Deadline) throws -> Bytes? {
    while true {
      if let found = buffer.offset(of: end, from: start) { return take(found - start + end.count) }
      guard try fill(deadline) else {
        if available == 0 { return nil }
        throw HarnessError.connectionClosed("in the middle of \(take(available).text.debugDescription)")
      }
    }
  }

  /// A message head; nil when the stream ends first.
  func head(_ deadline: Deadline = .after()) throws -> Head? {
    try read(through: Bytes(text: "\r\n\r\n"), deadline).map(Head.init)
  }

  /// A line without its line end.
  func line(_ deadline: Deadline) throws -> String {
    guard let line = try read(through: [13, 10], deadline) else {
      throw HarnessError.connectionClosed("before a line")
    }
    return Bytes(line.dropLast(2)).text
  }

  /// What has arrived, at most `limit` bytes and at least one; empty at the end.
  func some(atMost limit: Int, _ deadline: Deadline) throws -> Bytes {
    if available == 0, try !fill(deadline) { return [] }
    return take(min(limit, available))
  }

  func exactly(_ count: Int, _ deadline: Deadline = .after()) throws -> Bytes {
    while available < count {
      guard try fill(deadline) else {
        throw HarnessError.connectionClosed("after \(available) of \(count) bytes")
      }
    }
    return take(count)
  }

  /// Everything until the peer ends its side; a reset counts as the end.
  func untilClose(_ deadline: Deadline = .after()) throws -> Bytes {
    do { while try fill(deadline) {} } catch HarnessError.connectionReset {}
    return take(available)
  }

  /// Whether the peer ends its side, with nothing more before that.
  func endsNow(_ deadline: Deadline = .after()) -> Bool {
    do { return try available == 0 && !fill(deadline) } catch HarnessError.connectionReset {
      return true
    } catch { return false }
  }

  /// Whether nothing at all arrives within this time.
  func staysQuiet(forMs time: Int32) -> Bool { available == 0 && !socket.isReadable(withinMs: time) }

  /// Reads `count` bytes that are thrown away, quickly; returns how many came before the end.
  func skip(_ count: Int, _ deadline: Deadline) throws -> Int {
    var left = count - min(count, available)
    start += count - left
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    defer { scratch.deallocate() }
    while left > 0 {
      let part = UnsafeMutableRawBufferPointer(rebasing: scratch[..<min(left, scratch.count)])
      let got = try socket.receive(into: part, deadline)
      if got == 0 { break }
      left -= got
    }
    return count - left
  }
}

/// Reads one message body from a stream, strictly: whatever is wrong in its framing is thrown.
struct BodyReader {
  enum Framing: Equatable {
    case length(Int)
    case chunked, untilClose
  }
  private enum State {
    case data(Int)
    case chunkHead
    case chunkData(Int)
    case untilClose, ended
  }

  private var state: State
  /// The lines of the trailer section.
  private(set) var trailers: [String] = []

  init(_ framing: Framing) {
    state =
      switch framing {
      case .length(let count): count == 0 ? .ended : .data(count)
      case .chunked: .chunkHead
      case .untilClose: .untilClose
      }
  }

  var hasEnded: Bool { if case .ended = state { true } else { false } }

  /// The next part as it comes; nil when the body has ended.
  mutating func next(_ stream: ByteStream, _ deadline: Deadline) throws -> Bytes? {
    while true {
      switch state {
      case .ended: return nil
      case .untilClose:
        let part = try stream.some(atMost: .max, deadline)
        if !part.isEmpty { return part }
        state = .ended
      case .data(let left):
        let part = try required(stream.some(atMost: left, deadline))
        state = part.count == left ? .ended : .data(left - part.count)
        return part
      case .chunkHead:
        let line = try stream.line(deadline)
        guard let size = Int(line, radix: 16), size >= 0 else {
          throw HarnessError.malformed("chunk size \(line.debugDescription)")
        }
        if size > 0 {
          state = .chunkData(size)
        } else {
          while case let trailer = try stream.line(deadline), !trailer.isEmpty { trailers.append(trailer) }
          state = .ended
        }
      case .chunkData(let left):
        let part = try required(stream.some(atMost: left, deadline))
        if part.count == left {
          guard try stream.exactly(2, deadline) == [13, 10] else {
            throw HarnessError.malformed("no line end after a chunk")
          }
          state = .chunkHead
        } else {
          state = .chunkData(left - part.count)
        }
        return part
      }
    }
  }

  private func required(_ part: Bytes) throws -> Bytes {
    guard !part.isEmpty else { throw HarnessError.connectionClosed("in the middle of a body") }
    return part
  }
}
