import EventLoop
import HTTP1

extension Exchange {
  /// What a redirect of the old server says of the page: a redirect to the site's own home page, or to a page made for
  /// it, says "not here" politely.
  func softMissByRedirect(_ location: ByteRange, _ origin: OriginConnection) -> SoftMiss {
    // Of a known page it only matters whether it is a miss.
    if step == .oldByMap, settings.softMisses.redirects.isEmpty { return .no }
    let value = unsafe UnsafeRawBufferPointer(rebasing: origin.input.readable[location.range]).bytes
    guard leadsToOwnSite(value, of: origin.server) else { return .no }
    let base = unsafe UnsafeRawBufferPointer(rebasing: client.input.readable[head.pathAndQuery.range]).bytes
    let target = URIReference.target(of: value, from: base)
    if settings.softMisses.isMiss(redirectTo: target) { return .certain }
    return target == [UInt8(ascii: "/")] ? .possible : .no
  }

  private func leadsToOwnSite(_ location: RawSpan, of server: OriginServer) -> Bool {
    let reference = URIReference.split(location)
    guard let authority = reference.authority else { return reference.scheme == nil }
    let named = location.extracting(authority.range)
    if named.namesHost(of: server.authority) { return true }
    if let oldHost = settings.oldHost, named.namesHost(of: oldHost) { return true }
    if let redirect = settings.oldRedirect, named.namesHost(of: redirect.authority) { return true }
    return unsafe named.namesHost(of: Array(client.input.readable[head.authority.range]))
  }
}
