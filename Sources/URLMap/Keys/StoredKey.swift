/// How a key that a file holds stands to the keys of requests: `--ignore-query` may have been another one when it was
/// learned, and a file may be written by hand.
public enum StoredKey: Sendable {
  /// Requests have this key.
  case current
  /// Requests for its URL have another one.
  case outdated
  /// No request has such a key.
  case unreachable
}

extension KeyScheme {
  /// Compares `key` with what would be the key of a request for the URL that it stands for. If that is another one, it is in
  /// `room` then. Parameters that are not ignored any more are gone from a key for good.
  public func standing(of key: RawSpan, writingInto room: inout [UInt8]) -> StoredKey {
    let hostEnd = parts.haveHost ? key.firstOffset(of: .slash) : 0
    let target = key.extracting(hostEnd...)
    // The empty target is the root's, but not without its slash in a key.
    guard target.byteCount > 0 else { return .unreachable }
    switch self.key(of: target, host: key.extracting(..<hostEnd), writingInto: &room) {
    case .none: return .unreachable
    case .target(let byteCount):
      if byteCount == target.byteCount { return .current }
      room.removeAll(keepingCapacity: true)
      room.append(target.extracting(..<byteCount))
      return .outdated
    case .written:
      let isSame = unsafe key.withUnsafeBytes { unsafe room.elementsEqual($0) }
      return isSame ? .current : .outdated
    }
  }
}
