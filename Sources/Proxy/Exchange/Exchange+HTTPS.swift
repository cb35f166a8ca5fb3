import HTTP1

extension Exchange {
  /// Whoever checks that this machine may have a certificate asks without TLS (RFC 8555, 8.3).
  private static let challengePrefix: StaticString = "/.well-known/acme-challenge/"

  /// Sends a client without TLS to the same URL with it; true when the request is one that can be sent there.
  func redirectToHTTPS(_ redirect: HTTPSRedirect) -> Bool {
    guard sender.scheme == .http, hasURL else { return false }
    let input = unsafe UnsafeRawBufferPointer(rebasing: client.input.readable[..<head.byteCount]).bytes
    if input.extracting(head.path.range).begins(with: Self.challengePrefix) { return false }
    let host = HostAndPort(authority: input.extracting(head.authority.range)).host
    if host.isEmpty {
      answerOwn(OwnAnswer(status: 400, text: "Name the site in a Host field, or ask with https."))
      return true
    }
    answerOwn(OwnAnswer(status: 308, text: "This site is served with https only.")) { writer in
      writer.append("Location: https://")
      writer.append(host)
      if redirect.port != 443 {
        writer.append(UInt8(ascii: ":"))
        writer.append(decimal: UInt64(redirect.port))
      }
      RequestWriter.writeTarget(of: head, bytes: input, into: &writer)
      writer.append("\r\n")
    }
    return true
  }
}
