import Foundation
import Testing

@testable import relevo

/// A file of settings for one test; removed with its last reference.
final class ScratchFile {
  let path: String

  init(_ contents: [UInt8]) throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("relevo-\(UUID()).yaml").path
    try Data(contents).write(to: URL(fileURLWithPath: path))
  }

  convenience init(_ text: String) throws { try self.init(Array(text.utf8)) }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite("the file of --config")
struct ConfigurationFileTests {
  private func command(
    _ text: String, _ flags: [String] = [], _ environment: [String: String] = [:]
  ) throws -> ServeCommand {
    let file = try ScratchFile(text)
    return try invoke(["serve", "--config", file.path] + flags, environment: environment)
  }

  /// What is said of a file, from the line's number on, with the exit code.
  private func refusal(
    _ text: String, _ flags: [String] = [], _ environment: [String: String] = [:]
  ) throws -> String {
    try refusal(Array(text.utf8), flags, environment)
  }

  private func refusal(
    _ bytes: [UInt8], _ flags: [String] = [], _ environment: [String: String] = [:]
  ) throws -> String {
    let file = try ScratchFile(bytes)
    let invocation = Invocation(
      arguments: ["serve", "--config", file.path] + flags, environment: environment)
    guard case .refuse(let failure) = invocation else { return "accepted" }
    return "\(failure.code) " + failure.description.replacing(file.path, with: "FILE")
  }

  private let sites = "new: http://a\nold: http://b\n"

  @Test("gives flags under their own names: a value, a list, true or false")
  func values() throws {
    let command = try command(
      """
      # A comment
      new:
        - http://a,weight=3,id=a
        - 'http://b'
      old: http://c
      workers: 3
      listen: ["127.0.0.1:1", "[::1]:2"]
      old-redirect-status: 302
      old-mode: redirect
      old-public-url: https://old.example.com
      access-log: off
      via: false
      forwarded-for: true
      debug-headers: true
      accept-proxy: false
      retry-budget: 5%
      ignore-query: [utm_*, '*']
      old-miss-body: ["Not here, sorry", "Fish & chips &amp; more"]
      """)
    #expect(command.origins.new.map(\.url) == ["http://a", "http://b"])
    #expect(command.origins.new.map(\.options.weight) == [3, 1])
    #expect(command.listening.workers == 3)
    #expect(command.listening.listen.map(\.flagText) == ["127.0.0.1:1", "[::1]:2"])
    #expect(command.logging.accessLog == .off)
    #expect(!command.headers.via)
    #expect(command.headers.forwardedFor)
    #expect(command.headers.debugHeaders)
    #expect(!command.clients.acceptProxy)
    #expect(command.balance.retryBudget.percent == 5)
    #expect(command.fallback.softMisses.bodies == ["Not here, sorry", "Fish & chips &amp; more"])
  }

  @Test("yields to the environment, as that does to the command line, flag by flag")
  func precedence() throws {
    let text = sites + "workers: 2\nmax-connections: 5\nretries: 7\nvia: true\ndebug-headers: true\n"
    let command = try command(
      text, ["--workers", "8", "--no-via"],
      [
        "RELEVO_WORKERS": "9", "RELEVO_MAX_CONNECTIONS": "6", "RELEVO_NEW": "http://e1 http://e2",
        "RELEVO_DEBUG_HEADERS": "false",
      ])
    #expect(command.listening.workers == 8)
    #expect(command.limits.maxConnections == 6)
    #expect(command.balance.retries == 7)
    #expect(!command.headers.via)
    #expect(!command.headers.debugHeaders)
    #expect(command.origins.new.map(\.host) == ["e1", "e2"])
    #expect(command.origins.old.map(\.host) == ["b"])
  }

  @Test("may be named in the environment, and the command line names another")
  func named() throws {
    let (one, other) = (try ScratchFile(sites + "workers: 1"), try ScratchFile(sites + "workers: 2"))
    let environment = ["RELEVO_CONFIG": one.path]
    #expect(try invoke(["serve"], environment: environment).listening.workers == 1)
    #expect(
      try invoke(["serve", "--config=\(other.path)"], environment: environment).listening.workers == 2)
    let bad = try ScratchFile("workers: 0")
    #expect(
      failure("serve", environment: ["RELEVO_CONFIG": bad.path])?.description.hasPrefix("\(bad.path):1: ")
        == true)
  }

  @Test(
    "is refused with 78 and the line of a value that its flag does not take",
    arguments: [
      ("workers: 0", "3: the value '0' is invalid for workers: give a whole number from 1 to 256"),
      (
        "always-old:\n  - /css/\n  - js/", "5: the value 'js/' is invalid for always-old: "
      ),
      ("replay-limit: 1k\nreplay-memory: 2k", "4: replay-memory is 2k and replay-limit 1k: memory is part"),
    ])
  func refusedValue(line: String, message: String) throws {
    let refusal = try refusal(sites + line)
    #expect(refusal.hasPrefix("78 FILE:\(message)"), "\(refusal)")
  }

  /// What is said of a file before any flag looks at its value.
  private func misreading(_ bytes: [UInt8]) throws -> String {
    let file = try ScratchFile(bytes)
    do throws(CommandFailure) {
      _ = try ConfigurationArguments(path: file.path, unless: [])
      return "accepted"
    } catch {
      return "\(error.code) " + error.description.replacing(file.path, with: "FILE")
    }
  }

  private func misreading(_ text: String) throws -> String { try misreading(Array(text.utf8)) }

  @Test(
    "is refused with 78 and the line of what is no flag, no value, or no YAML",
    arguments: [
      ("lisen: 127.0.0.1:1", "3: there is no flag 'lisen': did you mean listen?"),
      ("map_file: /a", "3: there is no flag 'map_file': did you mean map-file?"),
      ("--workers: 2", "3: there is no flag '--workers': did you mean workers?"),
      ("no-via: true", "3: there is no flag 'no-via' in a file: write via: false"),
      ("frobnicate: 1", "3: there is no flag 'frobnicate': relevo serve --help lists them"),
      ("config: /b", "3: config is for the command line: a file names no other"),
      ("workers: 1\nworkers: 2", "3: workers is given twice: give it once, several values as a list"),
      ("workers: [1, 2]", "3: workers takes one value and no list"),
      ("listen:\n  a: b", "3: listen takes a value or a list of values, and nothing with names of its own"),
      ("listen:\n  - [a]", "4: listen takes a value or a list of values, and no list in a list"),
      ("workers:", "3: workers has no value: give it one, or leave it out"),
      ("always-old: []", "3: always-old has no value: give it one, or leave it out"),
      ("via: yes", "3: the value 'yes' is invalid for via: write true or false"),
      ("debug-headers: 1", "3: the value '1' is invalid for debug-headers: write true or false"),
      ("map-file: \"/a\\0b\"", "3: map-file has a character 0 in its value: take it out"),
      ("? [a, b]\n: 1", "3: the name of a flag is one word, as in new: http://10.0.0.2:8080"),
      ("workers: 'unclosed", "3: this is no YAML (while scanning a quoted scalar: "),
      (
        "access-log: -",
        "3: this is no YAML (block sequence entries are not allowed in this context): write '-' in quotes"
      ),
      ("\tworkers: 1", "3: this is no YAML (while scanning a plain scalar: "),
      ("workers: *a", "3: this is no YAML (found undefined alias): "),
      ("always-old: &a [/a, /b]", "3: '&a' begins an anchor, and there are none here: "),
    ])
  func refusedFile(line: String, message: String) throws {
    let refusal = try misreading(sites + line)
    #expect(refusal.hasPrefix("78 FILE:\(message)"), "\(refusal)")
  }

  @Test("is looked through where another source wins, too")
  func overridden() throws {
    #expect(
      try refusal(sites + "workers: none", ["--workers", "2"]).hasPrefix(
        "78 FILE:3: the value 'none' is invalid for workers"))
  }

  @Test("is named beside a flag that contradicts it, as each is written")
  func acrossSources() throws {
    #expect(
      try refusal(sites + "replay-memory: 2k", ["--replay-limit", "1k"])
        == "78 FILE:3: replay-memory is 2k and --replay-limit 1k: memory is part of the limit, give at most 1k"
    )
    #expect(
      try refusal("old: http://b").hasPrefix(
        "64 serve needs a server of the new site: --new http://host:port"))
    #expect(try refusal(sites, ["--workers", "0"]).hasPrefix("64 the value '0' is invalid for '--workers"))
  }

  @Test("has to be there, a text in UTF-8, flags and values, and no longer than 1 MiB")
  func unreadable() throws {
    #expect(
      failure("serve", "--config", "/nowhere/relevo.yaml")?.description
        == "--config /nowhere/relevo.yaml can't be read: No such file or directory")
    #expect(failure("serve", "--config", "/nowhere/relevo.yaml")?.code == 78)
    #expect(failure("serve", "--config", "/dev/zero")?.description.contains("is longer than 1 MiB") == true)
    #expect(
      try misreading(Array("new: a\nold: ".utf8) + [0xFF, 0x0A])
        == "78 FILE:2: this is no UTF-8: save the file in that encoding")
    #expect(try misreading("").hasPrefix("78 FILE:1: the file is empty"))
    #expect(try misreading("# nothing\n").hasPrefix("78 FILE:1: the file is empty"))
    #expect(try misreading("- new\n").hasPrefix("78 FILE:1: write flags and values"))
    #expect(try misreading("just text").hasPrefix("78 FILE:1: write flags and values"))
    #expect(try misreading("new: a\n\u{1}").hasPrefix("78 FILE:2: this is no YAML (control characters"))
    #expect(
      try misreading(sites + "---\nnew: c\n").contains("FILE:3: this is no YAML (expected a single document"))
  }

  @Test("can't make the reader work or recurse for long, whatever it holds")
  func hostile() throws {
    var bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for letter in "bcdefghi" { bomb += "\(letter): &\(letter) [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n" }
    let texts = [
      bomb, bomb.replacing("&", with: "!!seq &"), "? \(String(repeating: "[", count: 20_000))",
      String(repeating: "[", count: 20_000), String(repeating: "- ", count: 20_000),
      String(repeating: "{a: ", count: 20_000), String(repeating: "? ", count: 20_000),
      "always-old:\n" + String(repeating: "- /abc/\n", count: 20_000),
    ]
    for text in texts {
      let began = ContinuousClock.now
      let refusal = try misreading(text)
      #expect(refusal.hasPrefix("78 FILE:"))
      #expect(.now - began < .seconds(20), "\(text.prefix(20))")
    }
  }

  @Test("has its bad value found among many")
  func amongMany() throws {
    let good = (0..<40).map { "- /a\($0)/\n" }.joined()
    #expect(
      try refusal(sites + "always-old:\n\(good)- bad\n- worse\n").hasPrefix(
        "78 FILE:44: the value 'bad' is invalid for always-old: "))
    #expect(
      try misreading("always-old:\n" + String(repeating: "- /a/\n", count: 2001))
        == "78 FILE:2002: more than 2000 values: rules can have a file of their own, rules-file")
  }

  @Test("anchors are told from what looks like one")
  func anchors() {
    for text in [
      "&a x", "k: &a x", "k:\n  &a\n  x", "- &a x", "[&a x]", "[b, &a x]", "{k: &a x}", "? &a x",
      "k: !!str &a x", "--- &a x",
    ] {
      #expect(YAMLAnchors.first(in: text)?.word == "&a", "\(text)")
    }
    for text in ["k: /?a=1&b=2", "k: Fish & chips", "k: Fish &amp; chips", "k: 'x &lt;'"] {
      #expect(YAMLAnchors.first(in: text) == nil, "\(text)")
    }
  }

  @Test("a name's distance to another counts the letters that differ")
  func distance() {
    #expect(EditDistance.between("lisen", "listen") == 1)
    #expect(EditDistance.between("", "abc") == 3)
    #expect(EditDistance.between("kitten", "sitting") == 3)
    #expect(EditDistance.nearest(to: "nw", among: ["new", "old"]) == "new")
    #expect(EditDistance.nearest(to: "xyz", among: ["new", "old"]) == nil)
  }
}
