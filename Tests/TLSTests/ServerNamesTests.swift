import Testing

@testable import TLS

@Suite("Which certificate a name gets")
struct ServerNamesTests {
  private let names: ServerNames = {
    var names = ServerNames()
    for (place, claimed) in [["example.test", "www.example.test"], ["*.example.test"], ["www.example.test"]]
      .enumerated()
    {
      for name in claimed { names.claim(name, for: place) }
    }
    return names
  }()

  @Test(
    "the name itself comes before a wildcard, which is for one label, and the first that claims a name has it",
    arguments: [
      ("example.test", 0), ("www.example.test", 0), ("WWW.Example.TEST", 0), ("shop.example.test", 1),
      ("a.b.example.test", nil), ("ample.test", nil), ("test", nil), ("", nil), (".example.test", nil),
      (".", nil),
      ("*.example.test", 1),
    ] as [(String, Int?)])
  func choice(name: String, place: Int?) {
    #expect(names.place(of: name) == place)
  }
}
