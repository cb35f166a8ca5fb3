/// Paths about which nothing has to be learned. Fixed once made; read by all threads.
///
/// A prefix is compared as text, as nginx' `location` and HAProxy's `path_beg` do: `/css` begins `/css2`, which `/css/`
/// does not. A prefix that ends in a slash speaks for the path without it too. Of several the longest holds.
///
/// `alwaysNew` keeps what the old server must no longer expose from being asked of it, so it must not be evaded by writing
/// a path in another way. Each path is thus looked at twice, as sent and as the most lenient server could read it
/// (`LoosePath`), and `alwaysNew` holds if either view finds it. `alwaysOld` holds for the path as sent only.
///
/// An `alwaysOld` with a query, as `/?p=`, is about one path: it is longer than any prefix of that path.
public struct PathRules: Sendable {
  private let queries: PrefixTrie<PathRule.Site>
  private let hasQueries: Bool
  private let exact: PrefixTrie<PathRule.Site>
  private let loose: PrefixTrie<PathRule.Site>
  /// Without any there is nothing to look up.
  public let isEmpty: Bool
  private let hasAlwaysNew: Bool

  /// No rules.
  public static var none: PathRules { PathRules(queries: [:], exact: [:], loose: [:]) }

  /// - Throws: ``ConflictingRules`` when one prefix is always old and always new, be it in another letter case or
  ///   encoding.
  public init(_ rules: [PathRule]) throws(ConflictingRules) {
    var given: [[UInt8]: PathRule] = [:]
    for rule in rules where !rule.hasQuery {
      if let other = given[rule.decoded], other.site != rule.site { throw ConflictingRules(other, rule) }
      given[rule.decoded] = rule
    }
    func sites(_ isWanted: (PathRule) -> Bool) -> [[UInt8]: PathRule.Site] {
      Dictionary(rules.filter(isWanted).map { ($0.exact, $0.site) }) { $1 }
    }
    self.init(
      queries: sites(\.hasQuery), exact: sites { !$0.hasQuery }, loose: given.mapValues(\.site))
  }

  private init(
    queries: [[UInt8]: PathRule.Site], exact: [[UInt8]: PathRule.Site], loose: [[UInt8]: PathRule.Site]
  ) {
    self.queries = PrefixTrie(queries)
    self.exact = PrefixTrie(exact)
    self.loose = PrefixTrie(loose)
    hasQueries = !queries.isEmpty
    isEmpty = exact.isEmpty && queries.isEmpty
    hasAlwaysNew = exact.values.contains(.alwaysNew)
  }

  /// What holds for `target`, a request's path and query; nil: nothing does. Uses `room`; O(bytes of the path, and of the
  /// query where there are rules with one).
  public func site(for target: RawSpan, room: inout [UInt8]) -> PathRule.Site? {
    if isEmpty { return nil }
    let pathEnd = target.firstOffset(of: .questionMark)
    if hasQueries, pathEnd < target.byteCount, let site = site(byQuery: target, &room) { return site }
    let path = target.extracting(0..<pathEnd)
    if hasAlwaysNew, LoosePath.contains(path, room: &room, { loose.value(of: $0) == .alwaysNew }) {
      return .alwaysNew
    }
    room.removeAll(keepingCapacity: true)
    room.appendNormalized(path)
    room.append(.slash)
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    return unsafe exact.value(of: room.span.bytes)
  }

  private func site(byQuery target: RawSpan, _ room: inout [UInt8]) -> PathRule.Site? {
    room.removeAll(keepingCapacity: true)
    room.appendNormalized(target)
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    return unsafe queries.value(of: room.span.bytes)
  }
}

/// One prefix that two rules say different things about.
public struct ConflictingRules: Error, Equatable, CustomStringConvertible {
  public let first: PathRule
  public let second: PathRule

  init(_ first: PathRule, _ second: PathRule) {
    self.first = first
    self.second = second
  }

  public var description: String {
    """
    \(first.source) and \(second.source) say different things about \(second.prefix)\
    \(first.prefix == second.prefix ? "" : " (\(first.prefix) is the same in another writing)"): leave one out
    """
  }
}
