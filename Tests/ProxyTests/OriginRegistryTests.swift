import EventLoop
import Testing

@testable import Proxy

@Suite("the servers that the process knows")
struct OriginRegistryTests {
  /// What names lead to, all of port 80.
  private func found(
    new: [(name: String, address: String, options: OriginOptions)] = [],
    old: [(name: String, address: String, options: OriginOptions)] = []
  ) throws -> ResolvedOrigins {
    func resolve(
      _ all: [(name: String, address: String, options: OriginOptions)]
    ) throws -> [ResolvedOrigin] {
      try all.map { one in
        ResolvedOrigin(
          address: try #require(try SocketAddress.resolve(host: one.address, port: 80).first),
          authority: Array(one.name.utf8), options: one.options)
      }
    }
    return ResolvedOrigins(new: try resolve(new), old: try resolve(old))
  }

  private let plain = OriginOptions()
  private let policy = PassiveHealthPolicy()

  @Test("a server stays the same while its name leads to its address, and keeps its mode")
  func stays() throws {
    let registry = OriginRegistry(workers: 2, policy: policy)
    let first = registry.update(
      try found(new: [("a", "10.0.0.1", plain), ("a", "10.0.0.2", plain)], old: [("a", "10.0.0.1", plain)]))
    #expect(first.new.count == 2)
    #expect(first.new[0] !== first.old[0], "each site has its own")
    first.new[1].setMode(.drain)
    let second = registry.update(
      try found(new: [("a", "10.0.0.3", plain), ("a", "10.0.0.2", plain)], old: [("b", "10.0.0.1", plain)]))
    #expect(second.new[1] === first.new[1])
    #expect(second.new[1].mode == .drain)
    #expect(second.new[0] !== first.new[0])
    #expect(second.old[0] !== first.old[0], "the Host that it is asked by is another one")
    #expect(registry.all.map(\.address.description) == ["10.0.0.3:80", "10.0.0.2:80", "10.0.0.1:80"])
  }

  @Test("a server that is given twice is one server")
  func twice() throws {
    let registry = OriginRegistry(workers: 1, policy: policy)
    let sets = registry.update(try found(new: [("a", "10.0.0.1", plain), ("a", "10.0.0.1", plain)]))
    #expect(sets.new.count == 1)
  }

  @Test("identifiers are the operator's, or follow from site, name and address alone")
  func identifiers() throws {
    let origins = try found(
      new: [
        ("a", "10.0.0.1", plain), ("b", "10.0.0.1", plain), ("c", "10.0.0.1", OriginOptions(id: "one")),
        ("d", "10.0.0.1", OriginOptions(id: "two")), ("d", "10.0.0.2", OriginOptions(id: "two")),
      ],
      old: [("a", "10.0.0.1", plain)])
    let identifiers = OriginRegistry(workers: 1, policy: policy).update(origins).new.map(\.id)
    #expect(identifiers[0].count == 6)
    #expect(identifiers[2] == "one")
    #expect(identifiers[3].hasPrefix("two-"))
    let all = OriginRegistry(workers: 1, policy: policy)
    _ = all.update(origins)
    #expect(Array(all.all.map(\.id).prefix(5)) == identifiers, "they are the same after a restart")
    #expect(Set(all.all.map(\.id)).count == 6)
    for id in all.all.map(\.id) { #expect(OriginOptions.isID(id), "\(id)") }
  }

  @Test("the identifier of a name whose address changes is its new server's")
  func moves() throws {
    let registry = OriginRegistry(workers: 1, policy: policy)
    let options = OriginOptions(id: "a")
    let before = registry.update(try found(new: [("a", "10.0.0.1", options)])).new[0]
    let after = registry.update(try found(new: [("a", "10.0.0.2", options)])).new[0]
    #expect(before.id == "a")
    #expect(after.id == "a")
  }

  @Test("a server whose weight or maximum changes stays the same, with all that is known of it")
  func options() throws {
    let registry = OriginRegistry(workers: 1, policy: policy)
    let before = registry.update(try found(new: [("a", "10.0.0.1", OriginOptions(weight: 1, max: 2))])).new[0]
    before.setMode(.drain)
    #expect(before.gate.tryEnter(max: before.max))
    let after = registry.update(try found(new: [("a", "10.0.0.1", OriginOptions(weight: 7, max: 1))])).new[0]
    #expect(after === before)
    #expect(after.status.weight == 7 && after.weight == 7)
    #expect(after.status.max == 1)
    #expect(after.mode == .drain)
    #expect(after.isFull, "the request under way counts")
    _ = registry.update(try found(new: [("a", "10.0.0.1", plain)]))
    #expect(!after.isFull && after.status.max == nil)
  }

  @Test("a server that gets another identifier goes on as it was under that one")
  func renamed() throws {
    let registry = OriginRegistry(workers: 1, policy: policy)
    let before = registry.update(try found(new: [("a", "10.0.0.1", plain)])).new[0]
    before.setMode(.off)
    before.setChecked(.down)
    for _ in 0..<3 { before.requestFailed() }
    let after = registry.update(try found(new: [("a", "10.0.0.1", OriginOptions(id: "web"))])).new[0]
    #expect(after.id == "web")
    #expect(after.mode == .off && after.checked == .down)
    #expect(after.availability(nowMs: EventLoop.monotonicMs()) == .nothing)
  }

  @Test("a server that has gone is shown as leaving until its last request has ended, and not asked for")
  func leaving() throws {
    let registry = OriginRegistry(workers: 1, policy: policy)
    let both = try found(new: [("a", "10.0.0.1", plain), ("b", "10.0.0.2", plain), ("c", "10.0.0.3", plain)])
    let before = registry.update(both).new
    before[1].tallies[0].requestBegan()
    let after = registry.update(try found(new: [("a", "10.0.0.1", plain)])).new
    #expect(after.map(\.id) == [before[0].id])
    #expect(registry.all.map(\.id) == [before[0].id])
    #expect(registry.allWithLeaving.map(\.id) == [before[0].id, before[1].id], "c was idle")
    #expect(before[1].status.condition == .leaving)
    #expect(registry.origin(id: before[1].id) == nil)
    #expect(registry.update(both).new[1] === before[1], "it comes back as it was")
    #expect(before[1].status.condition == .up)
    _ = registry.update(try found(new: [("a", "10.0.0.1", plain)]))
    before[1].tallies[0].requestEnded()
    #expect(registry.allWithLeaving.map(\.id) == [before[0].id])
  }

  @Test("a server that has left its identifier to another one is shown no more")
  func identifierTaken() throws {
    let registry = OriginRegistry(workers: 1, policy: policy)
    let options = OriginOptions(id: "web")
    let before = registry.update(try found(new: [("a", "10.0.0.1", options)])).new[0]
    before.tallies[0].requestBegan()
    _ = registry.update(try found(new: [("b", "10.0.0.2", options)]))
    #expect(registry.allWithLeaving.map(\.address.description) == ["10.0.0.2:80"])
  }

  @Test("another policy holds for the servers that there are")
  func policyChanges() throws {
    let registry = OriginRegistry(workers: 1, policy: policy)
    let state = registry.update(try found(new: [("a", "10.0.0.1", plain)])).new[0]
    var strict = PassiveHealthPolicy()
    strict.failures = 1
    registry.setPolicy(strict)
    #expect(state.requestFailed() != .counted)
    #expect(state.availability(nowMs: EventLoop.monotonicMs()) == .nothing)
  }

  @Test("a status tells what the operator and the checks say, and since when")
  func status() throws {
    let state = OriginRegistry(workers: 3, policy: policy).update(
      try found(old: [("b:80", "10.0.0.1", OriginOptions(weight: 3, max: 50, id: "b"))])
    ).old[0]
    for worker in [0, 0, 2, 1, 2] { state.tallies[worker].requestBegan() }
    for worker in [2, 0, 2, 0] { state.tallies[worker].requestEnded() }
    state.tallies[2].requestFailed()
    let status = state.status
    #expect(status.id == "b" && status.site == .old && status.authority == "b:80")
    #expect(status.address == "10.0.0.1:80")
    #expect(status.weight == 3 && status.max == 50 && status.requests == 5)
    #expect(status.failures == 1 && status.inFlight == 1)
    #expect(status.condition == .up)
    state.setChecked(.down)
    #expect(state.status.condition == .down && state.status.checked == .down)
    state.setMode(.drain)
    #expect(state.status.condition == .draining)
    state.setMode(.off)
    #expect(state.status.condition == .off)
    #expect(state.status.since >= status.since)
  }

  @Test("modes are read by their names")
  func modes() {
    for mode in OriginMode.allCases { #expect(OriginMode(mode.description) == mode) }
    for wrong in ["", "Ready", "on", "off "] { #expect(OriginMode(wrong) == nil) }
  }
}
