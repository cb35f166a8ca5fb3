/// A key stands for every way of writing a URL and, without a query in it, for every query of a path. What an origin says of
/// one of them need not hold for the others: a server that takes `/a%2Ehtml` for another page than `/a.html` misses the one
/// and has the other, and `/index.php?id=8` may be gone while `/index.php?id=7` is there.
///
/// | key | is spoken for by | and not by |
/// |---|---|---|
/// | `/a.html` | `/a.html`, `/a.html?utm_source=x` | `/a%2Ehtml` |
/// | `/a%2Fb` | `/a%2Fb` | `/a%2fb` |
/// | `/a`, of `path` or with all queries ignored | `/a`, `/a?utm_source=x` of `path` | `/a?p=7` |
/// | `www.example.com/a` | `/a` at `WWW.example.com:8080` | |
extension KeyScheme {
  /// The URL that an answer to a request for `target` is about: the target as sent, without the query parameters that are
  /// ignored by name; behind the host where keys have one. Otherwise as ``key(of:host:writingInto:)``.
  public func spelling(of target: RawSpan, host: RawSpan, writingInto room: inout [UInt8]) -> Key {
    guard target.byteCount == 0 || target.byte(at: 0) == .slash else { return .none }
    let hasIgnored = hasParametersIgnoredByName(target)
    if !parts.haveHost, !hasIgnored, target.byteCount > 0 { return .target(byteCount: target.byteCount) }
    room.removeAll(keepingCapacity: true)
    if parts.haveHost {
      guard room.appendHost(host) else { return .none }
    }
    let pathStart = room.count
    if target.byteCount == 0 { room.append(.slash) } else { room.append(target) }
    if hasIgnored { ignoredQuery.remove(from: &room, behind: pathStart) }
    return .written
  }

  /// Whether what an origin answers to a request for `target` at `host` holds for the request's key. Only then may the
  /// answer make the key known no more. Allocates.
  public func speaksForKey(_ target: RawSpan, host: RawSpan) -> Bool {
    var (key, spelling): ([UInt8], [UInt8]) = ([], [])
    let keyPlace = self.key(of: target, host: host, writingInto: &key)
    let spellingPlace = self.spelling(of: target, host: host, writingInto: &spelling)
    guard keyPlace != .none, spellingPlace != .none else { return false }
    return keyPlace.bytes(target, key) == spellingPlace.bytes(target, spelling)
  }

  private func hasParametersIgnoredByName(_ target: RawSpan) -> Bool {
    guard ignoredQuery.extent == .parameters else { return false }
    let questionMark = target.firstOffset(of: .questionMark)
    return questionMark < target.byteCount
      && ignoredQuery.ignoresAny(of: target.extracting((questionMark + 1)...))
  }
}

extension KeyScheme.Key {
  fileprivate func bytes(_ target: RawSpan, _ room: [UInt8]) -> [UInt8] {
    switch self {
    case .none: []
    case .target(let byteCount):
      unsafe target.extracting(0..<byteCount).withUnsafeBytes { unsafe Array($0) }
    case .written: room
    }
  }
}
