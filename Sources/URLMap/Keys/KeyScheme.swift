/// What tells one URL from another: how a request's key in the map is made.
///
/// Equivalents of RFC 3986, 6.2.2 share one key: the hexadecimal digits of a percent-encoding are written in capitals,
/// an encoded letter, digit, `-`, `.`, `_` or `~` is written as itself, and a host's letters are small. Nothing else is
/// touched, so that no URL is ever taken for another: `%2F` is no slash, `//`, `.` and `..` stay where they are, and
/// a percent sign that begins no encoding is kept byte for byte. The key of a key is that key.
///
/// | | key of `http://WWW.example.com:8080/%7Ea%2fb?p=7&utm_source=x` |
/// |---|---|
/// | `path` | `/~a%2Fb` |
/// | `path-query` | `/~a%2Fb?p=7` |
/// | `host-path` | `www.example.com/~a%2Fb` |
/// | `host-path-query` | `www.example.com/~a%2Fb?p=7` |
///
/// Taking parameters out takes a question mark along that is left with nothing behind it; `/a?` as sent is another
/// URL than `/a`, and has another key.
public struct KeyScheme: Sendable, Equatable {
  /// The parts of a URL that are its key. The raw values are the names in flags and files.
  public enum Parts: String, Sendable, CaseIterable {
    /// All queries of a path share one entry.
    case path
    /// A query never speaks for its bare path.
    case pathQuery = "path-query"
    /// For several sites behind one Relevo: the host without its port, then the path.
    case hostPath = "host-path"
    case hostPathQuery = "host-path-query"

    /// Whether a key begins with the host.
    public var haveHost: Bool {
      switch self {
      case .path, .pathQuery: false
      case .hostPath, .hostPathQuery: true
      }
    }

    /// Whether the query belongs to a key.
    public var haveQuery: Bool {
      switch self {
      case .path, .hostPath: false
      case .pathQuery, .hostPathQuery: true
      }
    }
  }

  /// Where the key of a request is.
  public enum Key: Sendable, Equatable {
    /// The request has none.
    case none
    /// The first so many bytes of the target, as they stand; nothing was copied.
    case target(byteCount: Int)
    /// All that was written.
    case written
  }

  public var parts: Parts
  /// The query parameters that are no part of a key.
  public var ignoredQuery: IgnoredQuery

  public init(_ parts: Parts = .pathQuery, ignoring ignoredQuery: IgnoredQuery = .tracking) {
    self.parts = parts
    self.ignoredQuery = ignoredQuery
  }

  /// The key of a request for `target` at `host`.
  ///
  /// A target without percent signs and ignored parameters is its own key, and is only looked at. Otherwise the key is
  /// written into `room`, cleared before. O(bytes of both); allocates only to let `room` grow.
  ///
  /// - Parameters:
  ///   - target: path and query as sent, bytes of 0x21...0x7E without `#`, as a request line's; empty is `/`.
  ///   - host: as `Host` has it, with or without a port; looked at only if keys have one.
  /// - Returns: `.none` for a target that is no path, and where keys have a host and there is none.
  public func key(of target: RawSpan, host: RawSpan, writingInto room: inout [UInt8]) -> Key {
    guard target.byteCount == 0 || target.byte(at: 0) == .slash else { return .none }
    if !parts.haveHost, let byteCount = prefixThatIsKey(target) { return .target(byteCount: byteCount) }
    room.removeAll(keepingCapacity: true)
    if parts.haveHost {
      guard room.appendHost(host) else { return .none }
    }
    let pathStart = room.count
    if target.byteCount == 0 {
      room.append(.slash)
      return .written
    }
    let queryStart = target.firstOffset(of: .questionMark)
    room.appendNormalized(target.extracting(0..<(keepsQuery ? target.byteCount : queryStart)))
    if keepsQuery, queryStart < target.byteCount { ignoredQuery.remove(from: &room, behind: pathStart) }
    return .written
  }

  /// The same as a copy, for tools. Nil also if the target holds bytes that none has.
  public func key(of target: [UInt8], host: [UInt8] = []) -> [UInt8]? {
    guard target.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else { return nil }
    var room: [UInt8] = []
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    switch unsafe key(of: target.span.bytes, host: host.span.bytes, writingInto: &room) {
    case .none: return nil
    case .target(let byteCount): return Array(target[..<byteCount])
    case .written: return room
    }
  }

  private var keepsQuery: Bool { parts.haveQuery && ignoredQuery.extent != .everything }

  /// How many of the first bytes of `target` are its key as they stand; nil when it has to be written.
  private func prefixThatIsKey(_ target: RawSpan) -> Int? {
    guard target.byteCount > 0 else { return nil }
    let special = target.firstOffset(of: .percent, or: .questionMark, from: 0)
    guard special < target.byteCount else { return target.byteCount }
    guard target.byte(at: special) == .questionMark else { return nil }
    guard keepsQuery else { return special }
    let query = target.extracting((special + 1)...)
    guard query.firstOffset(of: .percent) == query.byteCount, !ignoredQuery.ignoresAny(of: query) else {
      return nil
    }
    return target.byteCount
  }
}
