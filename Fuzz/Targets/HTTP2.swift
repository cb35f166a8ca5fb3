import EventLoop
import Glibc
import HTTP2

@testable import HTTP1

private nonisolated(unsafe) let onlyLoop = {
  guard let loop = try? EventLoop() else { preconditionFailure("there is no loop") }
  return loop
}()
private nonisolated(unsafe) let pool = BufferPool(blockBytes: 64 << 10, keptBlocks: 64)
private let heads = HeadLimits(maxBytes: 4 << 10, maxFields: 32)

/// Who serves a stream: keeps its request, and answers it at its end.
private final class Server: StreamSocket {
  private var input = Buffer(pool: pool)
  var request: [UInt8] = []
  private var hasAnswered = false

  init?(of stream: HTTP2Stream) {
    do { try super.init(loop: onlyLoop, inside: stream) } catch { return nil }
    stream.attach(self)
  }

  func serve() {
    while !isClosed, case .bytes = receive(into: &input) {
      request += unsafe Array(input.readable)
      input.giveBack()
    }
    // A stream that another's answer has ended, by the frames that left with it, has nothing any more.
    if isClosed || hasAnswered || request.isEmpty || !isWhole() { return }
    hasAnswered = true
    let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".utf8)
    _ = unsafe answer.withUnsafeBytes { unsafe send($0, .init(start: nil, count: 0)) }
    endMessage()
  }

  /// A request in HTTP/1.1 is one request, whatever the stream's fields and content were: nothing is left behind it.
  private func isWhole() -> Bool {
    var table = FieldTable(capacity: heads.maxFields)
    var bytes = request
    return unsafe bytes.withUnsafeMutableBytes { bytes in
      switch unsafe RequestHead.parse(UnsafeRawBufferPointer(bytes).bytes, limits: heads, fields: &table) {
      case .incomplete: preconditionFailure("a head comes whole")
      case .malformed: return true
      case .head(let head):
        var scanner = BodyScanner(head.framing)
        let body = unsafe scanner.scan(UnsafeMutableRawBufferPointer(rebasing: bytes[head.byteCount...]))
        if case .malformed = body.state { preconditionFailure("the body that was made is malformed") }
        guard scanner.isFinished else { return false }
        precondition(head.byteCount + body.consumed == bytes.count, "something follows the request")
        return true
      }
    }
  }
}

private final class Session: HTTP2Session {
  private var servers: [ObjectIdentifier: Server] = [:]

  override func streamHasBegun(_ stream: HTTP2Stream) {
    servers[ObjectIdentifier(stream)] = Server(of: stream)
  }

  override func streamIsBroken(_ stream: HTTP2Stream) { servers[ObjectIdentifier(stream)]?.closeSocket() }

  override func socketHasClosed(_ stream: HTTP2Stream) {
    super.socketHasClosed(stream)
    servers[ObjectIdentifier(stream)] = nil
  }

  override func sendFrames() { frames.giveBack() }

  func serve() {
    for server in Array(servers.values) { server.serve() }
    writeFrames()
    frames.giveBack()
    roomIsThere()
    tell()
  }

  func close() {
    for server in Array(servers.values) { server.closeSocket() }
  }
}

/// The first byte says in how large pieces the rest comes, which follows a right beginning.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  guard let session = Session(limits: HTTP2Limits(), heads: heads, pool: pool), count > 0 else { return 0 }
  let input = unsafe [UInt8](UnsafeRawBufferPointer(bytes, count))
  let beginning = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
  var rest = (beginning + input.dropFirst())[...]
  let piece = 1 + 8 * Int(input[0])
  while !rest.isEmpty {
    let part = Array(rest.prefix(piece))
    rest = rest.dropFirst(piece)
    let isUsable = unsafe part.withUnsafeBytes { unsafe session.take($0) }
    session.tell()
    if !isUsable { break }
    session.serve()
  }
  session.close()
  onlyLoop.releaseClosed()
  return 0
}
