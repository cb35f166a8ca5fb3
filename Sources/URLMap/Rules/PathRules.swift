/// Paths about which nothing has to be learned. Fixed once made; read by all threads.
///
/// A prefix is compared as text, as nginx' `location` and HAProxy's `path_beg` do: `/css` begins `/css2`, which `/css/`
/// does not. A prefix that ends in a slash speaks for the path without it too. Of several the longest holds.
///
/// `alwaysNew` keeps what the old server must no longer expose from being asked of it, so it must not be evaded by writing
/// a path in another way. Each path is thus looked at twice, as sent and as the most lenient server could read it
/// (`LoosePath`), and `alwaysNew` holds if either view finds it. `alwaysOld` holds for the path as sent only.
public struct PathRules: Sendable {
  private let exact: PrefixTrie<PathRule.Site>
  private let loose: PrefixTrie<PathRule.Site>
  /// Without any there is nothing to look up.
  public let isEmpty: Bool
  private let hasAlwaysNew: Bool

  /// No rules.
  public static var none: PathRules { PathRules(exact: [:], loose: [:]) }

  /// - Throws: ``ConflictingRules`` when one prefix is always old and always new, be it in another letter case or
  ///   encoding.
  public init(_ rules: [PathRule]) throws(ConflictingRules) {
    var given: [[UInt8]: PathRule] = [:]
    for rule in rules {
      if let other = given[rule.decoded], other.site != rule.site { throw ConflictingRules(other, rule) }
      given[rule.decoded] = rule
    }
    self.init(
      exact: Dictionary(rules.map { ($0.exact, $0.site) }) { $1 }, loose: given.mapValues(\.site))
  }

  private init(exact: [[UInt8]: PathRule.Site], loose: [[UInt8]: PathRule.Site]) {
    self.exact = PrefixTrie(exact)
    self.loose = PrefixTrie(loose)
    isEmpty = exact.isEmpty
    hasAlwaysNew = exact.values.contains(.alwaysNew)
  }

  /// What holds for `path`, a request's without its query; nil: nothing does. Uses `room`; O(bytes of the path).
  public func site(for path: RawSpan, room: inout [UInt8]) -> PathRule.Site? {
    if isEmpty { return nil }
    if hasAlwaysNew, LoosePath.contains(path, room: &room, { loose.value(of: $0) == .alwaysNew }) {
      return .alwaysNew
    }
    room.removeAll(keepingCapacity: true)
    room.appendNormalized(path)
    room.append(.slash)
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    return unsafe exact.value(of: room.span.bytes)
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
