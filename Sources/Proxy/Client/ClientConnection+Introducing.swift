import Addressing
import EventLoop
import TLS

extension ClientConnection {
  /// Reads the PROXY header, with which the connection has to begin, and goes on to the client's first request.
  func readProxyHeader() {
    while case .introducing = state, isReadable {
      switch receive(into: &input) {
      case .bytes: takeProxyHeader()
      case .wouldBlock: return input.giveBackIfEmpty()
      // A balancer that looks whether the port answers says nothing.
      case .end where input.isEmpty, .failed: return close()
      case .end: return refuseProxyHeader("the connection ends in the middle of the PROXY header")
      }
    }
  }

  private func takeProxyHeader() {
    guard peer.isTrusted || worker.settings.trustedProxies == .none else {
      return refuseProxyHeader("it is not in --trusted-proxies")
    }
    let received = unsafe input.readable.bindMemory(to: UInt8.self)
    switch unsafe ProxyHeader.parse(received.span) {
    case .incomplete: break
    case .malformed(let cause): refuseProxyHeader(cause.description)
    case .header(let header):
      input.consume(header.byteCount)
      input.giveBackIfEmpty()
      peer = Peer(
        header.source ?? peer.address, trusted: worker.settings.trustedProxies,
        scheme: header.isTLS || tls != nil ? .https : .http)
      state = .reading
      setDeadline(afterMs: worker.settings.headerMs)
      if let tls { startTLS(tls) } else { readHead() }
    }
  }

  /// What came behind the header are TLS records already.
  private func startTLS(_ tls: TLSSession) {
    unsafe begin(tls, with: UnsafeRawBufferPointer(input.readable).bytes)
    input.giveBack()
  }

  func proxyHeaderTimedOut() {
    if input.isEmpty {
      close()
    } else {
      refuseProxyHeader("the PROXY header did not come within --header-timeout")
    }
  }

  /// Nobody knows what the other side speaks, so it gets no answer.
  private func refuseProxyHeader(_ cause: String) {
    worker.metrics.count(.proxyHeadersRefused)
    worker.report(.proxyHeader, at: nil, "\(peer.name): \(cause)")
    close()
  }
}
