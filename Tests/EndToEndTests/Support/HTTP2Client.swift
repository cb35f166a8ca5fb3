import CNghttp2
import Foundation
import Testing

/// A frame as it stands on the wire (RFC 9113, 4.1).
struct HTTP2Frame: CustomTestStringConvertible {
  enum Kind: UInt8 {
    case data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate, continuation
  }

  var kind: UInt8
  var flags: UInt8 = 0
  var stream: UInt32 = 0
  var payload: Bytes = []

  init(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: Bytes = []) {
    self.kind = kind.rawValue
    self.flags = flags
    self.stream = stream
    self.payload = payload
  }

  static let endStream: UInt8 = 1
  static let acknowledgement: UInt8 = 1
  static let endHeaders: UInt8 = 4

  var endsStream: Bool { (kind == 0 || kind == 1) && flags & Self.endStream != 0 }
  /// Of a RST_STREAM or a WINDOW_UPDATE.
  var number: UInt32 { Self.number(payload[...]) }
  /// Of a GOAWAY.
  var goAwayCode: UInt32 { Self.number(payload.dropFirst(4)) }
  var testDescription: String { "frame \(kind), flags \(flags), stream \(stream), \(payload.count) bytes" }

  var bytes: Bytes {
    [
      UInt8(payload.count >> 16 & 255), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255), kind,
      flags,
    ]
      + Self.bytes(stream) + payload
  }

  static func bytes(_ number: UInt32) -> Bytes {
    [24, 16, 8, 0].map { UInt8(number >> UInt32($0) & 255) }
  }

  static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }
}

/// Error codes (RFC 9113, 7).
enum HTTP2Code {
  static let noError: UInt32 = 0
  static let protocolError: UInt32 = 1
  static let internalError: UInt32 = 2
  static let refusedStream: UInt32 = 7
  static let cancel: UInt32 = 8
  static let enhanceYourCalm: UInt32 = 11
}

/// What a stream has brought.
struct HTTP2Answer {
  /// In their order, `:status` first.
  var fields: [(name: String, value: String)] = []
  var interim: [[(name: String, value: String)]] = []
  var body: Bytes = []
  var isWhole = false
  /// Of the RST_STREAM that ended it, if one did.
  var resetCode: UInt32?

  var status: Int { self[":status"].flatMap { Int($0) } ?? 0 }
  subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// A client of HTTP/2 that sends exactly the frames that it is told to.
final class HTTP2Client {
  static let preface = Bytes(text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

  let client: Client
  /// By their streams.
  private(set) var answers: [UInt32: HTTP2Answer] = [:]
  private(set) var goAways: [HTTP2Frame] = []
  private(set) var pongs = 0
  private let inflater: OpaquePointer
  /// Windows open as their bytes come.
  var opensWindows = true
  /// What may still be sent, by streams; 0 is the connection.
  private var windows: [UInt32: Int] = [0: 65_535]
  private var initialWindow = 65_535

  /// - Parameter settings: identifiers and values.
  init(_ port: UInt16, settings: [(UInt16, UInt32)] = [], before: String = "") throws {
    client = try Client(port)
    var made: OpaquePointer?
    try #require(nghttp2_hd_inflate_new(&made) == 0)
    inflater = try #require(made)
    let payload = settings.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + HTTP2Frame.bytes($0.1) }
    try client.send(Bytes(text: before) + Self.preface + HTTP2Frame(.settings, payload).bytes)
  }

  deinit { nghttp2_hd_inflate_del(inflater) }

  /// Bytes of content that may still be sent on a stream, or on all of them together (0).
  func window(of stream: UInt32) -> Int { windows[stream] ?? initialWindow }

  func send(_ frames: HTTP2Frame...) throws { try client.send(frames.flatMap(\.bytes)) }

  /// A field section without compression (RFC 7541, 6.2.2).
  static func section(_ fields: [(String, String)]) -> Bytes {
    func text(_ text: String) -> Bytes {
      let bytes = Bytes(text: text)
      if bytes.count < 127 { return [UInt8(bytes.count)] + bytes }
      var (length, rest): (Bytes, Int) = ([127], bytes.count - 127)
      while rest >= 128 {
        length.append(UInt8(rest & 127 | 128))
        rest >>= 7
      }
      return length + [UInt8(rest)] + bytes
    }
    return fields.flatMap { [0] + text($0.0) + text($0.1) }
  }

  static func head(
    _ target: String, _ fields: [(String, String)] = [], method: String = "GET"
  ) -> [(String, String)] {
    [(":method", method), (":scheme", "http"), (":authority", "example.test"), (":path", target)] + fields
  }

  static func request(
    _ stream: UInt32, _ target: String, _ fields: [(String, String)] = [], method: String = "GET",
    ends: Bool = true
  ) -> HTTP2Frame {
    HTTP2Frame(
      .headers, flags: HTTP2Frame.endHeaders | (ends ? HTTP2Frame.endStream : 0), stream: stream,
      section(head(target, fields, method: method)))
  }

  /// Sends a whole request; its body in frames of 16 KiB, whatever the windows say.
  func request(
    _ stream: UInt32, _ target: String, _ fields: [(String, String)] = [], method: String = "GET",
    body: Bytes? = nil
  ) throws {
    try send(Self.request(stream, target, fields, method: method, ends: body == nil))
    if let body { try send(body, on: stream) }
  }

  func send(_ body: Bytes, on stream: UInt32, ends: Bool = true) throws {
    var rest = body[...]
    repeat {
      let part = Bytes(rest.prefix(16_384))
      rest = rest.dropFirst(part.count)
      let flags = ends && rest.isEmpty ? HTTP2Frame.endStream : 0
      for place in [0, stream] { windows[place] = window(of: place) - part.count }
      try client.send(HTTP2Frame(.data, flags: flags, stream: stream, part).bytes, .after(20))
    } while !rest.isEmpty
  }

  /// The next frame; nil at the end of the connection.
  @discardableResult
  func next(_ deadline: Deadline = .after()) throws -> HTTP2Frame? {
    guard let first = try client.stream.some(atMost: 1, deadline).first else { return nil }
    let rest = try client.stream.exactly(8, deadline)
    var frame = HTTP2Frame(.data, flags: rest[3], stream: HTTP2Frame.number(rest[4...]) & 0x7FFF_FFFF)
    frame.kind = rest[2]
    frame.payload = try client.stream.exactly(Int(first) << 16 | Int(rest[0]) << 8 | Int(rest[1]), deadline)
    try take(frame)
    return frame
  }

  private func take(_ frame: HTTP2Frame) throws {
    switch HTTP2Frame.Kind(rawValue: frame.kind) {
    case .headers: try takeFields(frame)
    case .data:
      answers[frame.stream, default: HTTP2Answer()].body += frame.payload
      if opensWindows, !frame.payload.isEmpty {
        for stream in frame.endsStream ? [0] : [0, frame.stream] {
          try send(
            HTTP2Frame(.windowUpdate, stream: stream, HTTP2Frame.bytes(UInt32(frame.payload.count))))
        }
      }
    case .reset: answers[frame.stream, default: HTTP2Answer()].resetCode = frame.number
    case .settings where frame.flags & HTTP2Frame.acknowledgement == 0:
      for entry in stride(from: 0, to: frame.payload.count, by: 6) where frame.payload[entry + 1] == 4 {
        initialWindow = Int(HTTP2Frame.number(frame.payload[(entry + 2)...]))
      }
      try send(HTTP2Frame(.settings, flags: HTTP2Frame.acknowledgement))
    case .windowUpdate: windows[frame.stream] = window(of: frame.stream) + Int(frame.number)
    case .goAway: goAways.append(frame)
    case .ping: pongs += 1
    default: break
    }
    if frame.endsStream { answers[frame.stream, default: HTTP2Answer()].isWhole = true }
  }

  private func takeFields(_ frame: HTTP2Frame) throws {
    try #require(frame.flags & HTTP2Frame.endHeaders != 0, "no answer here needs CONTINUATION")
    var fields: [(name: String, value: String)] = []
    var rest = frame.payload[...]
    while true {
      var field = nghttp2_nv()
      var flags: Int32 = 0
      let count = rest.withUnsafeBufferPointer {
        nghttp2_hd_inflate_hd2(inflater, &field, &flags, $0.baseAddress, $0.count, 1)
      }
      guard count >= 0 else { throw HarnessError.malformed("a field section") }
      rest = rest.dropFirst(Int(count))
      if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
        fields.append(
          (
            Bytes(UnsafeBufferPointer(start: field.name, count: field.namelen)).text,
            Bytes(UnsafeBufferPointer(start: field.value, count: field.valuelen)).text
          ))
      }
      if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 { break }
    }
    nghttp2_hd_inflate_end_headers(inflater)
    if fields.first?.value.hasPrefix("1") == true {
      answers[frame.stream, default: HTTP2Answer()].interim.append(fields)
    } else {
      answers[frame.stream, default: HTTP2Answer()].fields = fields
    }
  }

  /// Reads until the stream has ended, in one way or the other.
  func answer(_ stream: UInt32 = 1, _ deadline: Deadline = .after()) throws -> HTTP2Answer {
    while true {
      if let answer = answers[stream], answer.isWhole || answer.resetCode != nil { return answer }
      guard try next(deadline) != nil else {
        throw HarnessError.connectionClosed("before the end of stream \(stream); \(goAways)")
      }
    }
  }

  /// Reads until a frame comes that `isWanted`.
  @discardableResult
  func wait(
    _ deadline: Deadline = .after(), until isWanted: (HTTP2Frame) -> Bool
  ) throws -> HTTP2Frame {
    while let frame = try next(deadline) { if isWanted(frame) { return frame } }
    throw HarnessError.connectionClosed("before the frame that was waited for")
  }

  /// A question that the other side answers when it has read all that came before.
  func ping() throws {
    let before = pongs
    try send(HTTP2Frame(.ping, Bytes(repeating: 1, count: 8)))
    while pongs == before { try #require(try next() != nil, "the connection is open") }
  }

  /// Reads what comes until the connection is closed.
  func readToEnd(_ deadline: Deadline = .after()) throws {
    do { while try next(deadline) != nil {} } catch HarnessError.connectionReset {}
  }
}
