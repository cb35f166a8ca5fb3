import Foundation

/// A keep-alive connection for thousands of HEAD requests, sent a few dozen at a time.
final class Pipeline {
  /// The head of an answer.
  struct Answer: Equatable {
    let status: Int
    let head: String

    /// The value of the first field with this name, which must be written as the server writes it.
    func field(_ name: String) -> String? {
      guard let start = head.range(of: "\r\n\(name): ", options: .caseInsensitive) else { return nil }
      return String(head[start.upperBound...].prefix { $0 != "\r\n" })
    }
  }

  private let port: UInt16
  private static let depth = 32
  private static let end = Bytes(text: "\r\n\r\n")

  init(_ port: UInt16) {
    self.port = port
  }

  /// The answers to a request for each target, in their order. A connection that the server closes is replaced.
  func answers(_ targets: [String], host: String = "localhost") throws -> [Answer] {
    var answers: [Answer] = []
    answers.reserveCapacity(targets.count)
    var connections = 0
    while answers.count < targets.count {
      connections += 1
      guard connections <= 200 else { throw HarnessError.deadline("answers on 200 connections") }
      let socket = try Socket.connected(to: port)
      try ask(targets, host, socket, &answers)
    }
    return answers
  }

  private func ask(_ targets: [String], _ host: String, _ socket: Socket, _ answers: inout [Answer]) throws {
    var received = Bytes()
    while answers.count < targets.count {
      let batch = targets[answers.count..<min(targets.count, answers.count + Self.depth)]
      let asked = batch.map { "HEAD \($0) HTTP/1.1\r\nHost: \(host)\r\n\r\n" }.joined()
      try socket.send(Bytes(text: asked))
      for _ in batch {
        guard let answer = try next(socket, &received) else { return }
        answers.append(answer)
      }
    }
  }

  /// Nil when the server has closed.
  private func next(_ socket: Socket, _ received: inout Bytes) throws -> Answer? {
    var searched = 0
    while true {
      let from = max(0, searched - 3)
      if let end = received.offset(of: Self.end, from: from) {
        let head = String(decoding: received[..<end], as: UTF8.self)
        received.removeSubrange(..<(end + 4))
        return Answer(status: Int(head.dropFirst(9).prefix(3)) ?? 0, head: head + "\r\n")
      }
      searched = received.count
      let more = try socket.receive()
      if more.isEmpty { return nil }
      received += more
    }
  }
}
