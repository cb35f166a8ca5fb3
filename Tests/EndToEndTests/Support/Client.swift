import Foundation
import Testing

/// An answer as a client received it.
struct Answer: Sendable, CustomTestStringConvertible {
  let head: Head
  /// The body without its transfer coding.
  var body: Bytes = []
  /// The interim answers (1xx) that came before it.
  var interim: [Head] = []
  var trailers: [String] = []

  var status: Int { head.words.count > 1 ? Int(head.words[1]) ?? -1 : -1 }
  var text: String { body.text }
  var bodyCount: Int { body.count }
  var testDescription: String { "\(head), \(body.count) bytes of body" }
  /// Head and payload as one text, for expectations on every byte.
  var exact: String { head.bytes.text + body.text }
  subscript(name: String) -> String? { head[name] }
}

/// A client that sends exactly the bytes it is given.
final class Client {
  let socket: Socket
  let stream: ByteStream
  /// What stands between the client and the port, if anything; it ends with the client.
  private let process: ChildProcess?

  init(_ socket: Socket, through process: ChildProcess? = nil) {
    self.socket = socket
    self.process = process
    stream = ByteStream(socket)
  }

  convenience init(_ port: UInt16, receiveBuffer: Int32? = nil) throws {
    self.init(try Socket.connected(to: port, receiveBuffer: receiveBuffer))
  }

  func send(_ bytes: Bytes, _ deadline: Deadline = .after()) throws { try socket.send(bytes, deadline) }

  func send(_ text: String) throws { try send(Bytes(text: text)) }

  /// Sends bytes that the other side may refuse halfway.
  func trySend(_ bytes: Bytes) { try? socket.send(bytes) }

  /// Sends a whole request with the Host `example.test`.
  func request(_ target: String, _ fields: [String] = [], method: String = "GET", body: Bytes? = nil) throws {
    try send(Client.bytes(target, fields, method: method, body: body))
  }

  /// A whole request with the Host `example.test`, and a Content-Length if it has a body.
  static func bytes(
    _ target: String, _ fields: [String] = [], method: String = "GET", body: Bytes? = nil
  ) -> Bytes {
    var lines = ["\(method) \(target) HTTP/1.1", "Host: example.test"] + fields
    if let body { lines.append("Content-Length: \(body.count)") }
    return Bytes(text: lines.joined(separator: "\r\n") + "\r\n\r\n") + (body ?? [])
  }

  /// The next head, be it interim or final.
  func head(_ deadline: Deadline = .after()) throws -> Head {
    guard let head = try stream.head(deadline) else {
      throw HarnessError.connectionClosed("before an answer")
    }
    return head
  }

  /// How the body of an answer with this head ends.
  static func framing(_ head: Head, to method: String) throws -> BodyReader.Framing {
    let status = head.words.count > 1 ? head.words[1] : ""
    if method == "HEAD" || status.hasPrefix("1") || status == "204" || status == "304" {
      return .length(0)
    }
    if let coding = head["Transfer-Encoding"] {
      guard coding == "chunked", head["Content-Length"] == nil else {
        throw HarnessError.malformed("framing in \(head.bytes.text)")
      }
      return .chunked
    }
    guard let length = head["Content-Length"] else { return .untilClose }
    guard let count = Int(length), head.values("Content-Length").count == 1 else {
      throw HarnessError.malformed("framing in \(head.bytes.text)")
    }
    return .length(count)
  }

  /// The next final answer, whole.
  func answer(to method: String = "GET", _ deadline: Deadline = .after()) throws -> Answer {
    var interim: [Head] = []
    var head = try head(deadline)
    while head.words.count > 1, head.words[1].hasPrefix("1"), head.words[1] != "101" {
      interim.append(head)
      head = try self.head(deadline)
    }
    var answer = Answer(head: head, interim: interim)
    var reader = BodyReader(try Client.framing(head, to: method))
    while let part = try reader.next(stream, deadline) { answer.body += part }
    answer.trailers = reader.trailers
    return answer
  }

  /// Sends a request and reads its answer.
  func get(
    _ target: String, _ fields: [String] = [], method: String = "GET", body: Bytes? = nil,
    deadline: Deadline = .after()
  ) throws -> Answer {
    try request(target, fields, method: method, body: body)
    return try answer(to: method, deadline)
  }

  func halfClose() { socket.halfClose() }
  func reset() { socket.reset() }
  func close() { socket.close() }

  /// Whether the other side ends the connection without another byte.
  func isClosed(_ deadline: Deadline = .after()) -> Bool { stream.endsNow(deadline) }
}
