import Testing

@testable import EventLoop
@testable import Proxy

@Suite("the origins' names")
struct ResolverTests {
  private func resolve(
    new: [OriginAddress] = [], old: [OriginAddress] = []
  ) throws -> (new: [String], old: [String]) {
    let found = try Resolver(new: new, old: old).resolve().origins
    let describe = { (origin: ResolvedOrigin) in "\(text(origin.authority)) at \(origin.address)" }
    return (found.new.map(describe), found.old.map(describe))
  }

  @Test("numeric ones are their own addresses, each site's in the order given")
  func numeric() throws {
    let found = try resolve(
      new: [
        .init(host: "10.0.0.2", port: 80), .init(host: "::1", port: 80), .init(host: "10.0.0.1", port: 8080),
      ],
      old: [.init(host: "2001:db8::5", port: 81)])
    #expect(
      found.new == ["10.0.0.2 at 10.0.0.2:80", "[::1] at [::1]:80", "10.0.0.1:8080 at 10.0.0.1:8080"])
    #expect(found.old == ["[2001:db8::5]:81 at [2001:db8::5]:81"])
  }

  @Test("localhost is each of its loopback addresses, under its name")
  func localhost() throws {
    let found = try resolve(old: [.init(host: "localhost", port: 81)]).old
    #expect(!found.isEmpty)
    for one in found {
      #expect(["localhost:81 at 127.0.0.1:81", "localhost:81 at [::1]:81"].contains(one))
    }
  }

  @Test("a site of which none resolves keeps from starting, with the reason and what to look at")
  func noneResolves() throws {
    let bad = OriginAddress(host: "does-not-exist.invalid", port: 80)
    let good = OriginAddress(host: "127.0.0.1", port: 80)
    for (new, old) in [([bad, bad], [good]), ([good], [bad])] {
      let error = #expect(throws: ProxyStartError.self) { try resolve(new: new, old: old) }
      guard case .doesNotResolve("does-not-exist.invalid", let reason) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(!reason.isEmpty)
      #expect(
        error?.description
          == "the origin does-not-exist.invalid does not resolve (\(reason)): check the name and the machine's DNS"
      )
      #expect(error?.exitCode == 69)
    }
  }

  /// Names that lead where a test says.
  private final class Names: Sendable {
    let addresses = Locked<[String: String]>([:])

    func resolver(new: [String], old: [String]) -> Resolver {
      Resolver(
        new: new.map { OriginAddress(host: $0, port: 80) }, old: old.map { OriginAddress(host: $0, port: 80) }
      ) { origin throws(ResolveError) in
        guard let address = self.addresses.withLock({ $0[origin.host] }) else {
          throw ResolveError(host: origin.host, reason: "no such name")
        }
        return try SocketAddress.resolve(host: address, port: origin.port)
      }
    }
  }

  @Test(
    "one that does not resolve is left out while another of its site does, and takes part once it resolves")
  func someResolve() throws {
    let names = Names()
    names.addresses.withLock { $0 = ["b": "10.0.0.2", "old": "10.0.0.9"] }
    let resolver = names.resolver(new: ["a", "b"], old: ["old"])
    let first = try resolver.resolve()
    #expect(first.origins.new.map(\.address.description) == ["10.0.0.2:80"])
    #expect(first.names.map { $0.failure != nil } == [true, false, false])
    names.addresses.withLock { $0["a"] = "10.0.0.1" }
    let second = resolver.resolve(after: first)
    #expect(second.origins.new.map(\.address.description) == ["10.0.0.1:80", "10.0.0.2:80"])
    #expect(second.names.allSatisfy { $0.failure == nil })
  }

  @Test(
    "one that stops resolving keeps its last addresses, and the others' changes are followed all the same")
  func keepsLast() throws {
    let names = Names()
    names.addresses.withLock { $0 = ["a": "10.0.0.1", "b": "10.0.0.2", "old": "10.0.0.9"] }
    let resolver = names.resolver(new: ["a", "b"], old: ["old"])
    let first = try resolver.resolve()
    names.addresses.withLock { $0 = ["b": "10.0.0.3"] }
    let second = resolver.resolve(after: first)
    #expect(second.origins.new.map(\.address.description) == ["10.0.0.1:80", "10.0.0.3:80"])
    #expect(second.origins.old == first.origins.old)
    #expect(second.names.map { $0.failure != nil } == [true, false, true])
    #expect(resolver.resolve(after: second) == second)
  }

  @Test("a reload takes the addresses of before for one that does not resolve, and leaves out what has none")
  func knownStandIn() throws {
    let names = Names()
    names.addresses.withLock { $0 = ["a": "10.0.0.1", "b": "10.0.0.2", "old": "10.0.0.9"] }
    let registry = OriginRegistry(workers: 1, policy: PassiveHealthPolicy())
    _ = registry.update(try names.resolver(new: ["a"], old: ["old"]).resolve().origins)
    names.addresses.withLock { $0 = ["b": "10.0.0.2"] }
    let found = try names.resolver(new: ["a", "b", "c"], old: ["old"]).resolve(known: registry.sets)
    #expect(found.origins.new.map(\.address.description) == ["10.0.0.1:80", "10.0.0.2:80"])
    #expect(found.origins.old.map(\.address.description) == ["10.0.0.9:80"])
    #expect(found.names.map { $0.failure != nil } == [true, false, true, true])
    let error = #expect(throws: ProxyStartError.self) {
      try names.resolver(new: ["c"], old: ["old"]).resolve(known: registry.sets)
    }
    #expect(error?.description.hasPrefix("the origin c does not resolve (no such name)") == true)
  }
}
