import Proxy
import Testing

@testable import Admin

@Suite("The dashboard's page")
struct DashboardTests {
  let page = String(decoding: Dashboard.page, as: UTF8.self)

  @Test("holds its style sheet and its script, each as the policy's hashes have them")
  func whole() throws {
    #expect(page.contains("<style>\(Dashboard.style)</style>"))
    #expect(page.contains("<script type=\"module\">\(Dashboard.script)</script>"))
    #expect(Dashboard.style.contains("color-scheme: light dark"))
    #expect(Dashboard.script.hasSuffix("poll.run();"))
  }

  @Test("knows every route, with a colour for it", arguments: Route.allCases)
  func routes(route: Route) {
    #expect(
      Dashboard.script.contains("{ name: \"\(route.label)\", site: \"\(route.leadsToOldSite ? "old" : "")"))
    #expect(Dashboard.style.contains(".r-\(route.label) {"))
  }

  @Test("stays below 80 kB")
  func small() { #expect(Dashboard.page.count < 80_000) }

  @Test("has no attribute that the policy would refuse, and names no other place than the namespace of SVG")
  func strict() {
    #expect(page.firstMatch(of: #/<[a-z][^>]* (style|on[a-z]+)=/#) == nil)
    let places = page.matches(of: #/https?:\/\/[a-z0-9.\/]+/#).map { String(page[$0.range]) }
    #expect(Set(places) == ["http://www.w3.org/2000/svg"])
  }

  @Test("has no way of making markup from text")
  func noMarkup() {
    for maker in [
      "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "new Function",
    ] {
      #expect(!Dashboard.script.contains(maker), "\(maker)")
    }
  }

  @Test("is packed without comments and indentation, and with every other line as it was")
  func packed() {
    let source = """
      /** Says
       * why. */
      .a { color: red; }
        * { margin: 0; }
      // aside
        /* one line */
      b("/* text */"); // kept
      """
    #expect(
      Dashboard.packed(Array(source.utf8))
        == ".a { color: red; }\n* { margin: 0; }\nb(\"/* text */\"); // kept")
  }
}

@Suite("SHA-256")
struct SHA256Tests {
  @Test(
    "of the examples of FIPS 180-4, and around the edge of a block",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (String(repeating: "a", count: 55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
      (String(repeating: "a", count: 64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
      (
        String(repeating: "a", count: 1000),
        "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"
      ),
    ])
  func examples(message: String, digest: String) {
    let hex = SHA256.digest(of: Array(message.utf8)).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    #expect(hex.joined() == digest)
  }
}
