/// A number of requests for each route.
public struct RouteCounts: Sendable, Equatable {
  private var counts = [UInt64](repeating: 0, count: Route.allCases.count)

  public init() {}

  public subscript(_ route: Route) -> UInt64 {
    get { counts[Int(route.rawValue)] }
    set { counts[Int(route.rawValue)] = newValue }
  }

  public var total: UInt64 { counts.reduce(0, &+) }

  /// The share of the answered requests that the old site got, 0 to 1: the number that a migration is steered by. Nil
  /// when there were none. What Relevo answered itself counts for neither site.
  public var oldShare: Double? {
    let answered = total &- self[.own]
    guard answered > 0 else { return nil }
    let old = Route.allCases.reduce(0) { $1.leadsToOldSite ? $0 &+ self[$1] : $0 }
    return Double(old) / Double(answered)
  }

  mutating func add(_ other: RouteCounts) {
    for place in counts.indices { counts[place] &+= other.counts[place] }
  }

  func since(_ earlier: RouteCounts) -> RouteCounts {
    var difference = self
    difference.counts = zip(counts, earlier.counts).map { $0.since($1) }
    return difference
  }
}
