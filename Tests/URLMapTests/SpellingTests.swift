import Testing

@testable import URLMap

@Suite("the spelling of a request, beside its key")
struct SpellingTests {
  private func spelling(_ target: String, host: String = "h", _ scheme: KeyScheme) -> String? {
    var room = Array("what stood there before".utf8)
    let bytes = Array(target.utf8)
    let place = scheme.spelling(of: bytes.span.bytes, host: Array(host.utf8).span.bytes, writingInto: &room)
    return switch place {
    case .none: nil
    case .target(let byteCount): String(decoding: bytes[..<byteCount], as: UTF8.self)
    case .written: String(decoding: room, as: UTF8.self)
    }
  }

  private func speaks(_ target: String, host: String = "h", _ scheme: KeyScheme) -> Bool {
    scheme.speaksForKey(Array(target.utf8).span.bytes, host: Array(host.utf8).span.bytes)
  }

  static let ofKey = [
    "/", "/a.html", "/a%2Fb", "/a%20b?c=%C3%A9", "/a?p=7", "/a?", "/%", "//", "/a/../b", "",
    "/a?utm_source=x",
    "/a?gclid=1&p=7&utm_term=%2c", "/a?p=7&gclid",
  ]

  @Test(
    "a request that is written as its key, but for what is ignored by name, speaks for it", arguments: ofKey)
  func speaksForKey(target: String) {
    #expect(speaks(target, KeyScheme(.pathQuery)))
    #expect(speaks(target, host: "EXAMPLE.test:8080", KeyScheme(.hostPathQuery)))
  }

  static let ofOthers = [
    "/a%2Ehtml", "/a%2fb", "/%7Euser", "/a?p=%37", "/a?%75tm_source=x", "/a?utm_source=x&p=%37",
    "/a%2Ehtml?gclid=1",
  ]

  @Test("a request that is written in another way does not", arguments: ofOthers)
  func speaksForItself(target: String) {
    for parts in [KeyScheme.Parts.pathQuery, .hostPathQuery] { #expect(!speaks(target, KeyScheme(parts))) }
  }

  @Test(
    "where queries are no part of a key, a request with one does not speak for it",
    arguments: [
      KeyScheme(.path), KeyScheme(.hostPath), KeyScheme(.path, ignoring: .nothing),
      KeyScheme(.pathQuery, ignoring: .everything), KeyScheme(.hostPathQuery, ignoring: .everything),
    ])
  func queries(scheme: KeyScheme) {
    #expect(speaks("/a", scheme))
    for target in ["/a?p=7", "/a?", "/a?gclid=1&p=7"] { #expect(!speaks(target, scheme)) }
    #expect(speaks("/a?gclid=1", scheme) == (scheme.ignoredQuery == .tracking))
  }

  @Test("what is no path, and a host that is none, has no spelling")
  func none() {
    #expect(spelling("*", KeyScheme()) == nil)
    #expect(!speaks("*", KeyScheme()))
    #expect(spelling("/", host: "", KeyScheme(.hostPath)) == nil)
    #expect(!speaks("/", host: "", KeyScheme(.hostPath)))
  }

  @Test("the spelling is the target as sent, without what is ignored by name, behind the host of the key")
  func spellings() {
    #expect(spelling("/%61?b=c&gclid=1&%64", KeyScheme()) == "/%61?b=c&%64")
    #expect(spelling("/%61?b=c", KeyScheme(.path)) == "/%61?b=c")
    #expect(spelling("/a?b=c", KeyScheme(.pathQuery, ignoring: .everything)) == "/a?b=c")
    #expect(spelling("", KeyScheme()) == "/")
    #expect(spelling("/%61?gclid=1", host: "WWW.x:80", KeyScheme(.hostPath)) == "www.x/%61")
  }

  @Test("random targets never trap, and speak for their key if and only if the key is their spelling")
  func random() {
    var random = SeededGenerator(seed: 7)
    let pieces = ["/", "a", "%2e", "%2E", "%", "?", "&", "=", "gclid", "utm_x", "p=7", "%67clid", "%2F"]
    for _ in 0..<20_000 {
      let target =
        "/"
        + (0..<Int.random(in: 0..<8, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
        .joined()
      let parts = KeyScheme.Parts.allCases.randomElement(using: &random) ?? .path
      let scheme = KeyScheme(
        parts, ignoring: [.tracking, .nothing, .everything].randomElement(using: &random) ?? .nothing)
      let key = scheme.key(of: Array(target.utf8), host: Array("h".utf8)).map {
        String(decoding: $0, as: UTF8.self)
      }
      #expect(speaks(target, scheme) == (spelling(target, scheme) == key), "\(target), \(scheme)")
      if let key, !parts.haveHost { #expect(speaks(key, scheme), "\(key)") }
    }
  }
}
