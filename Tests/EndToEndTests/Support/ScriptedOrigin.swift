import Foundation
import Testing

/// A request exactly as it reached an origin.
struct RecordedRequest: Sendable, CustomTestStringConvertible {
  /// Which connection of this origin it came over, from 1.
  let connection: Int
  /// Which request of its connection it was, from 1.
  let number: Int
  let head: Head
  /// The body as far as the script has read it, without its transfer coding.
  var body: Bytes = []
  /// How many bytes of the body have arrived, those that were not kept included.
  var bodyCount = 0
  /// Whether the body's end has arrived.
  var isComplete = false
  var trailers: [String] = []
  let arrivedAt: ContinuousClock.Instant = .now
  var lastByteAt: ContinuousClock.Instant = .now

  var line: String { head.startLine }
  var method: String { head.words.first ?? "" }
  var target: String { head.words.count > 1 ? head.words[1] : "" }
  subscript(name: String) -> String? { head[name] }
  var testDescription: String {
    "\(head), \(bodyCount) bytes of body\(isComplete ? "" : ", unfinished"), connection \(connection)"
  }
}

/// An HTTP origin on a loopback port that does what a script says and records every byte that reaches it.
///
/// The script runs once a request, when its head has arrived, on the thread of its connection. When it
/// returns, what is left of the body is read, and the connection stays open unless the script closed it.
final class ScriptedOrigin: Origin {
  typealias Script = @Sendable (OriginExchange) throws -> Void

  let port: UInt16
  private let core: OriginCore

  init(_ script: @escaping Script) throws {
    let descriptor = try Ports.bound()
    port = Ports.port(of: descriptor)
    core = OriginCore(script, port: port, bound: descriptor)
    try core.start()
  }

  /// Answers these targets with 200 and the given text, every other one with 404 and `missing`.
  static func pages(_ pages: [String: String], missing: String = "not here") throws -> ScriptedOrigin {
    try ScriptedOrigin { exchange in
      if let page = pages[exchange.target] {
        try exchange.answer(200, page)
      } else {
        try exchange.answer(404, missing)
      }
    }
  }

  /// Answers every request with the status and the text.
  static func always(_ status: Int, _ text: String = "", _ fields: [String] = []) throws -> ScriptedOrigin {
    try ScriptedOrigin { try $0.answer(status, text, fields) }
  }

  /// Answers every request, once it has been read whole, with exactly these bytes.
  static func exactly(_ bytes: String) throws -> ScriptedOrigin {
    try ScriptedOrigin {
      try $0.readBody()
      try $0.send(bytes)
    }
  }

  deinit { core.close() }

  /// Refuses connections from now on, and ends those that are open; the port stays reserved.
  func stop() throws {
    core.close()
    try core.reserve()
  }

  /// Listens again on the same port after `stop`.
  func start() throws { try core.start() }

  /// Ends every connection that is open; new ones are accepted.
  func dropConnections() { core.dropConnections() }

  /// Every request so far, in the order of their heads' arrival.
  var requests: [RecordedRequest] { core.locked { $0.requests } }
  /// How many connections were accepted so far.
  var connections: Int { core.locked { $0.accepted } }
  /// How many connections are open.
  var openConnections: Int { core.locked { $0.open.count } }
  /// What the scripts threw.
  var failures: [String] { core.locked { $0.failures } }

  var targets: [String] { requests.map(\.target) }

  /// Waits for the request with this number, from 1.
  func request(_ number: Int = 1, _ deadline: Deadline = .after()) throws -> RecordedRequest {
    try core.wait(deadline, "request \(number) at an origin") { core in
      core.requests.count >= number ? core.requests[number - 1] : nil
    }
  }

  /// Waits until so many bytes of the body of the request with this number have arrived.
  func waitForBody(_ count: Int, ofRequest number: Int = 1, _ deadline: Deadline = .after()) throws {
    try core.wait(deadline, "\(count) bytes of a body at an origin") { core in
      core.requests.count >= number && core.requests[number - 1].bodyCount >= count ? () : nil
    }
  }

  func waitUntilConnectionsAre(_ count: Int, _ deadline: Deadline = .after()) throws {
    try core.wait(deadline, "\(count) open connections at an origin") { core in
      core.open.count == count ? () : nil
    }
  }
}

/// The state of an origin, shared with its threads; everything mutable is guarded by `condition`.
final class OriginCore: @unchecked Sendable {
  private let condition = NSCondition()
  private let script: ScriptedOrigin.Script
  private let port: UInt16
  private var descriptor: Int32
  fileprivate var requests: [RecordedRequest] = []
  fileprivate var accepted = 0
  fileprivate var open: [Int: Socket] = [:]
  fileprivate var failures: [String] = []

  init(_ script: @escaping ScriptedOrigin.Script, port: UInt16, bound: Int32) {
    self.script = script
    self.port = port
    descriptor = bound
  }

  func start() throws {
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    guard listen(descriptor, 128) == 0 else { throw HarnessError.last("listen") }
    onThread { [self, descriptor] in acceptConnections(descriptor) }
  }

  /// Ends the listener and every connection; their threads notice and leave.
  func close() {
    locked { core in
      shutdown(core.descriptor, Int32(SHUT_RDWR))
      for socket in core.open.values { socket.shutDown() }
    }
  }

  /// Waits for the end of the listener and the connections, and takes the port again without listening.
  func reserve() throws {
    try wait(.after(), "the end of an origin") { $0.open.isEmpty && $0.descriptor < 0 ? () : nil }
    let bound = try Ports.bound(port)
    locked { $0.descriptor = bound }
  }

  func dropConnections() { locked { for socket in $0.open.values { socket.shutDown() } } }

  func locked<Result>(_ work: (OriginCore) throws -> Result) rethrows -> Result {
    try condition.withLock {
      defer { condition.broadcast() }
      return try work(self)
    }
  }

  func wait<Result>(
    _ deadline: Deadline, _ what: String, _ condition: (OriginCore) -> Result?
  ) throws -> Result {
    try self.condition.withLock {
      while true {
        if let result = condition(self) { return result }
        guard self.condition.wait(until: deadline.date) else { throw HarnessError.deadline(what) }
      }
    }
  }

  private func acceptConnections(_ listener: Int32) {
    while true {
      var poll = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
      _ = Glibc.poll(&poll, 1, -1)
      guard let accepted = Inheritance.without({ accept(listener, nil, nil) }) else {
        if errno == EINTR || errno == ECONNABORTED || errno == EAGAIN { continue }
        break
      }
      let socket = Socket(accepted)
      let number = locked { core in
        core.accepted += 1
        core.open[core.accepted] = socket
        return core.accepted
      }
      onThread { [self] in
        serve(socket, number)
        socket.close()
        locked { $0.open[number] = nil }
      }
    }
    locked {
      Glibc.close(listener)
      $0.descriptor = -1
    }
  }

  private func serve(_ socket: Socket, _ connection: Int) {
    let stream = ByteStream(socket)
    var number = 0
    do {
      while let head = try stream.head(.after(60)) {
        number += 1
        let index = locked { core in
          core.requests.append(RecordedRequest(connection: connection, number: number, head: head))
          return core.requests.count - 1
        }
        let exchange = try OriginExchange(self, index, head, stream, connection: connection, number: number)
        try script(exchange)
        if exchange.isClosed { return }
        try exchange.readBody()
      }
    } catch {
      locked { $0.failures.append("\(error)") }
    }
  }

  fileprivate func update(_ index: Int, _ change: (inout RecordedRequest) -> Void) {
    locked { change(&$0.requests[index]) }
  }
}

/// One request at an origin, and the ways of answering it. Used on the thread of its connection only.
final class OriginExchange {
  /// Which connection of the origin this is, from 1.
  let connection: Int
  /// Which request of its connection this is, from 1.
  let number: Int
  let head: Head
  let stream: ByteStream
  private let core: OriginCore
  private let index: Int
  private var reader: BodyReader
  private(set) var isClosed = false

  fileprivate init(
    _ core: OriginCore, _ index: Int, _ head: Head, _ stream: ByteStream, connection: Int, number: Int
  ) throws {
    (self.core, self.index, self.head, self.stream) = (core, index, head, stream)
    (self.connection, self.number) = (connection, number)
    let lengths = head.values("Content-Length")
    let codings = head.values("Transfer-Encoding")
    switch (lengths.count, codings.count) {
    case (0, 0): reader = BodyReader(.length(0))
    case (0, 1) where codings[0] == "chunked": reader = BodyReader(.chunked)
    case (1, 0) where Int(lengths[0]) != nil: reader = BodyReader(.length(Int(lengths[0])!))
    default: throw HarnessError.malformed("framing in \(head.bytes.text)")
    }
    if reader.hasEnded { core.update(index) { $0.isComplete = true } }
  }

  var method: String { head.words.first ?? "" }
  var target: String { head.words.count > 1 ? head.words[1] : "" }

  /// Reads the body until so many bytes have come or it has ended; returns what has come in this call.
  @discardableResult
  func readBody(atLeast count: Int = .max, _ deadline: Deadline = .after()) throws -> Bytes {
    var read: Bytes = []
    while read.count < count, !isClosed, let part = try reader.next(stream, deadline) {
      read += part
      core.update(index) {
        $0.body += part
        $0.bodyCount += part.count
        $0.lastByteAt = .now
      }
    }
    if reader.hasEnded {
      core.update(index) {
        $0.isComplete = true
        $0.trailers = reader.trailers
      }
    }
    return read
  }

  /// Reads and throws away a body of this Content-Length, quickly.
  func skipBody(_ deadline: Deadline) throws {
    let length = Int(head["Content-Length"] ?? "") ?? 0
    let count = try stream.skip(length, deadline)
    reader = BodyReader(.length(length - count))
    core.update(index) {
      $0.bodyCount = count
      $0.isComplete = count == length
    }
  }

  func send(_ bytes: Bytes, _ deadline: Deadline = .after()) throws {
    try stream.socket.send(bytes, deadline)
  }

  func send(_ text: String) throws { try send(Bytes(text: text)) }

  /// Reads the request whole, then answers it with a Content-Length.
  func answer(_ status: Int, _ body: Bytes, _ fields: [String] = []) throws {
    try readBody()
    let hasBody = method != "HEAD" && status != 204 && status != 304
    let length = status == 204 || status == 304 ? [] : ["Content-Length: \(body.count)"]
    try send(
      Bytes(text: (["HTTP/1.1 \(status) Status"] + fields + length).joined(separator: "\r\n") + "\r\n\r\n")
        + (hasBody ? body : []), .after(30))
  }

  func answer(_ status: Int, _ text: String = "", _ fields: [String] = []) throws {
    try answer(status, Bytes(text: text), fields)
  }

  /// Waits until the proxy ends this connection.
  func waitForClose(_ deadline: Deadline = .after()) throws { _ = try stream.untilClose(deadline) }

  func halfClose() { stream.socket.halfClose() }

  func close() {
    isClosed = true
    stream.socket.close()
  }

  func reset() {
    isClosed = true
    stream.socket.reset()
  }
}
