import EventLoop
import TLS

/// What a server answered to a path.
struct Reply: Sendable {
  let target: String
  let result: Result<HTTPClientResponse, HTTPClientError>
  let took: Duration

  /// The answer; nil when there was none.
  var answer: HTTPClientResponse? { try? result.get() }

  /// The body's bytes as text, whatever its charset.
  var text: String { String(decoding: answer?.body ?? [], as: UTF8.self) }
}

/// Asks servers for paths: all servers at once, each for one path after the other.
final class Inquiry {
  private let loop: EventLoop
  private let client: HTTPClient
  private let tls: TLSClientContext?
  private let userAgent: String
  private var pending = 0

  /// - Parameters:
  ///   - timeout: of each request.
  ///   - purpose: what the servers' logs show beside Relevo's name.
  ///   - tls: for servers of https:// URLs.
  init(timeout: Duration, purpose: String, tls: TLSClientContext? = nil) throws(EventLoopError) {
    self.tls = tls
    loop = try EventLoop()
    client = HTTPClient(loop: loop, limits: HTTPClient.Limits(timeout: timeout))
    userAgent = "relevo/\(Relevo.versionNumber) (\(purpose))"
  }

  /// The replies of each server in the order of its targets. Blocks until all are there.
  func ask(_ targets: [(server: CheckedServer, targets: [String])]) -> [[Reply]] {
    var replies: [[Reply]] = Array(repeating: [], count: targets.count)
    pending = targets.count { !$0.targets.isEmpty }
    if pending == 0 { return replies }
    for (index, one) in targets.enumerated() where !one.targets.isEmpty {
      ask(one.server, one.targets[...]) { replies[index].append($0) }
    }
    // An error that came at once may have ended all of it already.
    if pending > 0 { loop.run() }
    return replies
  }

  private func ask(_ server: CheckedServer, _ targets: ArraySlice<String>, _ take: @escaping (Reply) -> Void)
  {
    guard let target = targets.first else {
      pending -= 1
      if pending == 0 { loop.stop() }
      return
    }
    let start = ContinuousClock.now
    let next = { [self] (result: Result<HTTPClientResponse, HTTPClientError>) in
      take(Reply(target: target, result: result, took: .now - start))
      ask(server, targets.dropFirst(), take)
    }
    let request = HTTPClientRequest(
      address: server.address, target: target,
      headers: [
        ("Host", server.host), ("User-Agent", userAgent), ("Accept", "text/html,*/*"),
        ("Accept-Encoding", "identity"),
      ], tls: server.tlsName.flatMap { tls?.peer(named: $0) })
    do throws(EventLoopError) {
      try client.send(request, completion: next)
    } catch {
      next(.failure(.unreachable(errno: error.code)))
    }
  }
}

extension EventLoopError {
  fileprivate var code: Int32 {
    switch self {
    case .noBase: 0
    case .system(_, let code): code
    }
  }
}
