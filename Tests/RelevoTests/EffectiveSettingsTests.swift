import Testing

@testable import relevo

@Suite("the settings as the admin plane tells them")
struct EffectiveSettingsTests {
  private func serve(_ flags: String...) throws -> ServeCommand {
    let arguments = ["serve", "--new", "http://a", "--old", "http://b:81"] + flags
    guard case .run(let command) = Invocation(arguments: arguments, environment: [:]) else {
      Issue.record("the flags were refused")
      throw CommandFailure("refused", code: .usage)
    }
    return try #require(command as? ServeCommand)
  }

  @Test("are those that were given and the others' defaults, as flags write them")
  func values() throws {
    let settings = try serve(
      "--listen", "127.0.0.1:1", "[::1]:2", "--map-max-urls", "5", "--miss-ttl", "90s", "--no-via"
    ).settings
    #expect(settings["--new"] == "http://a")
    #expect(settings["--old"] == "http://b:81")
    #expect(settings["--listen"] == "127.0.0.1:1 [::1]:2")
    #expect(settings["--map-max-urls"] == "5")
    #expect(settings["--miss-ttl"] == "90s")
    #expect(settings["--via"] == "false")
    #expect(settings["--fallback-on"] == "404")
    #expect(settings["--map-key"] == "path-query")
    #expect(settings["--log-level"] == "info")
    #expect(settings["--map-file"] == nil)
    #expect(settings["--admin"] == nil)
  }

  @Test("name no flag that there is not, and show no value as the program's own type")
  func names() throws {
    let known = Set(EnvironmentArguments.flags.map { "--\($0.name)" })
    for (name, value) in try serve().settings {
      #expect(known.contains(name), "\(name) is no flag")
      #expect(!value.contains("("), "\(name) is \(value)")
    }
  }
}
