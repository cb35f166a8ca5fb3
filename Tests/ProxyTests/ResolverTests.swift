import Testing

@testable import Proxy

@Suite("the origins' names")
struct ResolverTests {
  private func resolve(
    new: [OriginAddress] = [], old: [OriginAddress] = []
  ) throws -> (new: [String], old: [String]) {
    let found = try Resolver(new: new, old: old).resolveAll()
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

  @Test("one that does not resolve is named, with the reason and what to look at")
  func doesNotResolve() throws {
    let bad = OriginAddress(host: "does-not-exist.invalid", port: 80)
    let good = OriginAddress(host: "127.0.0.1", port: 80)
    for (new, old) in [([good, bad], [good]), ([good], [bad])] {
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
}
