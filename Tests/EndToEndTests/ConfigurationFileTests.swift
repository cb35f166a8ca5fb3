import Foundation
import Testing

/// `--config` and `--check-config` as operators use them.
@Suite("The configuration file")
struct ConfigurationFileTests {
  /// The repository, of which this file is a part.
  private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private func run(_ arguments: [String], environment: [String: String] = [:]) throws -> ChildProcess {
    let process = try ChildProcess(Relevo.binary, ["serve"] + arguments, environment: environment)
    return process
  }

  @Test("the packaged example is valid")
  func example() throws {
    let path = Self.repository.appendingPathComponent("packaging/relevo.yaml").path
    let process = try run(["--config", path, "--check-config"])
    #expect(try process.wait() == .code(0))
    #expect(try process.output.untilEnd() == ["relevo: the configuration is valid: \(path)"])
    #expect(try process.errors.untilEnd() == [])
  }

  @Test("serves from the file alone, and from the environment and the command line before it")
  func serves() throws {
    let new = try ScriptedOrigin.always(200, "new")
    let old = try ScriptedOrigin.always(200, "old")
    let folder = try TemporaryFolder()
    try folder.write(
      "relevo.yaml",
      """
      listen: 127.0.0.1:0
      new: \(new.url)
      old: http://127.0.0.1:1
      workers: 1
      startup-probes: false
      debug-headers: true
      always-old: /old/
      """)
    let process = try run(
      ["--via"], environment: ["RELEVO_CONFIG": folder.path("relevo.yaml"), "RELEVO_OLD": old.url])
    let client = try Client(try process.listeningPort())
    let answer = try client.get("/")
    #expect(answer.text == "new")
    #expect(answer["X-Relevo-Route"] == "new")
    #expect(try client.get("/old/").text == "old")
    process.signal(SIGTERM)
    #expect(try process.wait() == .code(0))
  }

  @Test("--check-config looks at every file that is named, touches nothing and says what is wrong")
  func check() throws {
    let folder = try TemporaryFolder()
    let sites = ["--new", "http://new.invalid", "--old", "http://127.0.0.1:1", "--check-config"]
    func check(_ flags: [String]) throws -> (exit: Exit, errors: [String]) {
      let process = try run(sites + flags)
      return (try process.wait(), try process.errors.untilEnd())
    }
    try folder.write("rules", "always-old /css/\nalways-never /x/\n")
    let map = folder.path("urls.map")
    let good = try check([
      "--map-file", map, "--listen", "unix:\(folder.path("s"))", "--access-log", folder.path("log"),
    ])
    #expect(good.exit == .code(0))
    for name in ["urls.map", "s", "log"] {
      #expect(!FileManager.default.fileExists(atPath: folder.path(name)), "\(name)")
    }
    let rules = try check(["--rules-file", folder.path("rules")])
    #expect(rules.exit == .code(78))
    #expect(rules.errors.count == 1)
    #expect(
      rules.errors.first?.hasPrefix("relevo: \(folder.path("rules")):2: 'always-never' is no rule") == true)
    let open = try check(["--admin", "0.0.0.0:0"])
    #expect(open.exit == .code(64))
    #expect(open.errors.first?.hasPrefix("relevo: --admin 0.0.0.0:0 is reached from other machines") == true)
    let token = try check(["--admin", "127.0.0.1:0", "--admin-token-file", "/nowhere"])
    #expect(token.exit == .code(78))
    let usage = try check(["--workers", "0"])
    #expect(usage.exit == .code(64))
  }
}
