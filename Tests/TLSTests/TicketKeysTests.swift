import Testing

@testable import TLS

@Suite("The keys of session tickets")
struct TicketKeysTests {
  private static let hour = 3600

  private func find(_ keys: TicketKeys, _ name: [UInt8], at now: Int) -> (
    key: TicketKeys.Key, isCurrent: Bool
  )? {
    name.withUnsafeBytes { keys.find($0, at: now) }
  }

  @Test(
    "one key seals for four hours; then there is a new one, and the old one only opens, until its tickets have ended"
  )
  func rotation() throws {
    let keys = TicketKeys()
    let first = try #require(keys.current(at: 0))
    #expect(keys.current(at: 4 * Self.hour - 1)?.name == first.name)
    #expect(find(keys, first.name, at: 4 * Self.hour - 1)?.isCurrent == true)
    #expect(
      find(keys, first.name, at: 4 * Self.hour)?.isCurrent == false,
      "its tickets are made anew when they come")

    let second = try #require(keys.current(at: 4 * Self.hour))
    #expect(
      second.name != first.name && second.cipher != first.cipher
        && second.authentication != first.authentication)
    #expect(find(keys, first.name, at: 12 * Self.hour - 1)?.key.cipher == first.cipher)
    #expect(find(keys, first.name, at: 12 * Self.hour) == nil, "its last ticket was good for eight hours")
  }

  @Test("a name that no key has opens nothing, nor does one of another length")
  func unknown() throws {
    let keys = TicketKeys()
    let name = try #require(keys.current(at: 0)).name
    #expect(find(keys, name.reversed(), at: 1) == nil || name == name.reversed())
    #expect(find(keys, Array(name.dropLast()), at: 1) == nil)
    #expect(find(TicketKeys(), name, at: 1) == nil)
  }

  @Test("however long it runs, few keys are kept")
  func bounded() throws {
    let keys = TicketKeys()
    var names: [[UInt8]] = []
    for time in stride(from: 0, to: 1000 * Self.hour, by: Self.hour) {
      names.append(try #require(keys.current(at: time)).name)
    }
    let opened = Set(names).filter { find(keys, $0, at: 999 * Self.hour) != nil }
    #expect(opened.count == 3)
  }
}
