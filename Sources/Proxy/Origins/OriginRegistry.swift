import EventLoop

/// The servers of both sites.
struct OriginSets: Sendable {
  var new: [OriginState] = []
  var old: [OriginState] = []

  var all: [OriginState] { new + old }
}

/// The servers that the process knows at present: one ``OriginState`` for each, whichever worker asks.
///
/// A server stays the same object, with its mode and counts, for as long as the settings name it and its name leads to its
/// address; its weight and its maximum may change. One that goes is shown until the last request under way with it has ended.
final class OriginRegistry: Sendable {
  private let workers: Int
  private let rules: PassiveHealthRules
  private let known = Locked(Known())

  private struct Known: Sendable {
    var present = OriginSets()
    /// Have gone with requests under way.
    var leaving: [OriginState] = []
  }

  init(workers: Int, policy: PassiveHealthPolicy) {
    self.workers = workers
    rules = PassiveHealthRules(policy)
  }

  var sets: OriginSets { known.withLock { $0.present } }

  /// In the order of the flags, the new site's first.
  var all: [OriginState] { sets.all }

  /// All, and behind them those that have gone and are not idle yet.
  var allWithLeaving: [OriginState] {
    known.withLock { known in
      known.leaving.removeAll { $0.inFlight == 0 }
      return known.present.all + known.leaving
    }
  }

  func origin(id: String) -> OriginState? {
    all.first { $0.id == id }
  }

  /// Takes another policy, at once for all servers.
  func setPolicy(_ policy: PassiveHealthPolicy) { rules.set(policy) }

  /// Takes what the settings name, and what these names lead to now.
  func update(_ found: ResolvedOrigins) -> OriginSets {
    known.withLock { known in
      let before = known.present.all + known.leaving
      var making = Making(found: found, known: before, workers: workers, rules: rules)
      known.present = OriginSets(
        new: making.states(of: .new, found.new), old: making.states(of: .old, found.old))
      let present = known.present.all
      for state in present { state.setLeaving(false) }
      known.leaving = before.filter { state in
        !present.contains { $0 === state || $0.id == state.id } && state.inFlight > 0
      }
      for state in known.leaving { state.setLeaving(true) }
      return known.present
    }
  }

  /// One update under way.
  private struct Making {
    /// Those of before that stay.
    let known: [OriginState]
    /// Those of before that don't.
    let gone: [OriginState]
    let workers: Int
    let rules: PassiveHealthRules
    /// Identifiers that nobody else can have.
    var taken: Set<String>
    /// How many addresses have this `id=`.
    let addresses: [String: Int]

    init(found: ResolvedOrigins, known before: [OriginState], workers: Int, rules: PassiveHealthRules) {
      let stays = { (state: OriginState) in
        switch state.site {
        case .new: found.new.contains { state.isServer($0, of: .new) }
        case .old: found.old.contains { state.isServer($0, of: .old) }
        }
      }
      known = before.filter(stays)
      gone = before.filter { !stays($0) }
      self.workers = workers
      self.rules = rules
      let written = (found.new + found.old).compactMap(\.options.id)
      addresses = Dictionary(written.map { ($0, 1) }, uniquingKeysWith: +)
      taken = Set(known.map(\.id)).union(written)
    }

    mutating func states(of site: Site, _ found: [ResolvedOrigin]) -> [OriginState] {
      var states: [OriginState] = []
      for origin in found where !states.contains(where: { $0.isServer(origin, of: site) }) {
        if let state = known.first(where: { $0.isServer(origin, of: site) }) {
          state.setOptions(origin.options)
          states.append(state)
        } else {
          states.append(makeState(site, origin))
        }
      }
      return states
    }

    private mutating func makeState(_ site: Site, _ origin: ResolvedOrigin) -> OriginState {
      let state = OriginState(
        id: makeID(site, origin), site: site, origin: origin, workers: workers, rules: rules)
      if let former = gone.first(where: { $0.isAddress(origin, of: site) }) { state.takeOver(from: former) }
      return state
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
  /// The same server, under the same identifier.
  fileprivate func isServer(_ origin: ResolvedOrigin, of site: Site) -> Bool {
    isAddress(origin, of: site) && options.id == origin.options.id
  }

  fileprivate func isAddress(_ origin: ResolvedOrigin, of site: Site) -> Bool {
    self.site == site && address == origin.address && tlsName == origin.tlsName
      && authority.utf8.elementsEqual(origin.authority)
  }
}
