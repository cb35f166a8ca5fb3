import EventLoop

/// The servers of both sites.
struct OriginSets: Sendable {
  var new: [OriginState] = []
  var old: [OriginState] = []
}

/// The servers that the process knows at present: one ``OriginState`` for each, whichever worker asks.
///
/// A server stays the same object, with its mode and counts, for as long as its name leads to its address.
final class OriginRegistry: Sendable {
  private let workers: Int
  private let policy: PassiveHealthPolicy
  private let present = Locked(OriginSets())

  init(workers: Int, policy: PassiveHealthPolicy) {
    self.workers = workers
    self.policy = policy
  }

  var sets: OriginSets { present.withLock { $0 } }

  /// In the order of the flags, the new site's first.
  var all: [OriginState] {
    let sets = sets
    return sets.new + sets.old
  }

  func origin(id: String) -> OriginState? {
    all.first { $0.id == id }
  }

  /// Takes what the names of the origins lead to now.
  func update(_ found: ResolvedOrigins) -> OriginSets {
    present.withLock { sets in
      var making = Making(found: found, known: sets, workers: workers, policy: policy)
      sets = OriginSets(new: making.states(of: .new, found.new), old: making.states(of: .old, found.old))
      return sets
    }
  }

  /// One update under way.
  private struct Making {
    /// Those of before that stay.
    let known: [OriginState]
    let workers: Int
    let policy: PassiveHealthPolicy
    /// Identifiers that nobody else can have.
    var taken: Set<String>
    /// How many addresses have this `id=`.
    let addresses: [String: Int]

    init(found: ResolvedOrigins, known sets: OriginSets, workers: Int, policy: PassiveHealthPolicy) {
      known =
        sets.new.filter { state in found.new.contains { state.isServer($0, of: .new) } }
        + sets.old.filter { state in found.old.contains { state.isServer($0, of: .old) } }
      self.workers = workers
      self.policy = policy
      let written = (found.new + found.old).compactMap(\.options.id)
      addresses = Dictionary(written.map { ($0, 1) }, uniquingKeysWith: +)
      taken = Set(known.map(\.id)).union(written)
    }

    mutating func states(of site: Site, _ found: [ResolvedOrigin]) -> [OriginState] {
      var states: [OriginState] = []
      for origin in found where !states.contains(where: { $0.isServer(origin, of: site) }) {
        let state =
          known.first { $0.isServer(origin, of: site) }
          ?? OriginState(
            id: makeID(site, origin), site: site, origin: origin, workers: workers, policy: policy)
        states.append(state)
      }
      return states
    }

    /// The `id=` of the flag where it names one server alone; else with, or only, digits of a hash, which are the same
    /// after a restart and on other machines.
    private mutating func makeID(_ site: Site, _ origin: ResolvedOrigin) -> String {
      if let id = origin.options.id, addresses[id] == 1, !known.contains(where: { $0.id == id }) { return id }
      let name = "\(site.rawValue) \(String(decoding: origin.authority, as: UTF8.self)) \(origin.address)"
      let prefix = origin.options.id.map { "\($0)-" } ?? ""
      var hash = Self.hash(name)
      while true {
        let id = prefix + OriginID.digits(of: hash)
        if taken.insert(id).inserted { return id }
        hash = Self.hash(id)
      }
    }

    /// FNV-1a of 64 bits.
    private static func hash(_ text: String) -> UInt64 {
      text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
  }
}

extension OriginState {
  fileprivate func isServer(_ origin: ResolvedOrigin, of site: Site) -> Bool {
    self.site == site && address == origin.address && options == origin.options
      && tlsName == origin.tlsName
      && authority.utf8.elementsEqual(origin.authority)
  }
}
