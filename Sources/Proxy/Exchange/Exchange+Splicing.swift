import EventLoop
import Glibc
import HTTP1

/// The rest of a long answer: its end is known, nothing in it has to be looked at, and so nothing of it has to come into this
/// process. It moves from socket to socket inside the kernel, through a pipe.
///
///     origin's socket → pipe → client's socket
extension Exchange {
  /// The least that is worth the two system calls of a pipe instead of the two that copy, and the pipe itself.
  private static let leastSplicedBytes: UInt64 = 64 << 10

  /// Moves a part of the answer into the pipe, if it goes through one; false when the pump has to stop, nil when the answer
  /// has to be received.
  func fillPipe(from origin: OriginConnection) -> Bool? {
    guard let remaining = answer.scanner.remainingBytes, let pipe = pipeForAnswer(origin, remaining) else {
      return nil
    }
    switch origin.receive(into: pipe, atMost: Int(clamping: remaining)) {
    case .bytes(let count):
      answer.scanner.skip(count)
      record.bodyBytes &+= UInt64(count)
      guard answer.scanner.isFinished else { return true }
      answer.isWhole = true
      // What is left is the kernel's: the origin is free for the next request.
      letGo(origin, keepAlive: answer.keepsOrigin)
      if empty(pipe) { answerIsWhole() }
      return false
    case .wouldBlock:
      return true
    case .failed(errno: EINVAL):
      // A socket that can't: the next bytes come the other way.
      giveBackPipe()
      worker.splices = false
      return true
    case .end, .failed:
      report(.brokenAnswer, at: origin.server, "it broke off in the middle")
      breakOff()
      return false
    }
  }

  private func pipeForAnswer(_ origin: OriginConnection, _ remaining: UInt64) -> SplicePipe? {
    if let pipe = answer.pipe { return pipe }
    guard worker.splices, remaining >= Self.leastSplicedBytes, origin.input.isEmpty, origin.isDirect,
      client.isDirect
    else { return nil }
    origin.input.giveBack()
    answer.pipe = worker.pipes.take()
    return answer.pipe
  }

  /// Moves what the pipe holds to the client; false when the pump has to stop.
  func empty(_ pipe: SplicePipe) -> Bool {
    guard client.isWritable else {
      waitForClientToRead()
      return false
    }
    switch client.send(pipe) {
    case .all: return true
    case .blocked:
      waitForClientToRead()
      return false
    case .failed:
      client.close()
      return false
    }
  }

  func giveBackPipe() {
    guard let pipe = answer.pipe else { return }
    answer.pipe = nil
    worker.pipes.giveBack(pipe)
  }
}
