import Testing

@testable import relevo

@Suite("flags in the environment")
struct EnvironmentTests {
  @Test("the list of variables holds every flag of serve's help, in its order, and no other")
  func listIsComplete() throws {
    let inHelp = try HelpPage(of: "serve").flags.map(\.name).filter {
      !["help", "version", "check-config"].contains($0)
    }
    #expect(inHelp == EnvironmentArguments.flags.map(\.name))
  }

  @Test("a variable is named after its flag")
  func names() throws {
    #expect(EnvironmentArguments.flags.first { $0.name == "map-max-urls" }?.variable == "RELEVO_MAP_MAX_URLS")
    #expect(EnvironmentArguments.flags.first { $0.name == "via" }?.variable == "RELEVO_VIA")
  }

  @Test("every variable becomes its flag, which is called by the variable's name where it is wrong")
  func everyVariable() throws {
    for flag in EnvironmentArguments.flags {
      let text =
        switch flag.values {
        case .one, .several, .words, .lines: "?z?/"
        case .onOrOff, .on: "true"
        }
      let supplied = try EnvironmentArguments([flag.variable: text], unlessIn: ["serve"]).supplied
      #expect(
        supplied.arguments == [text == "true" ? "--\(flag.name)" : "--\(flag.name)=?z?/"], "\(flag.name)")
      #expect(
        supplied.namingAsWritten(in: "the value '?z?/' is invalid for '--\(flag.name) <x>': write y")
          == "the value '?z?/' is invalid for \(flag.variable): write y")
      #expect(try EnvironmentArguments([flag.variable: text], unlessIn: ["--\(flag.name)"]).supplied.isEmpty)
    }
  }

  @Test("what is wrong in a variable is named by it, with 64")
  func badVariable() {
    let refused = failure("serve", environment: ["RELEVO_FALLBACK_ON": "?z?/"])
    #expect(refused?.description.hasPrefix("the value '?z?/' is invalid for RELEVO_FALLBACK_ON: ") == true)
    #expect(refused?.code == 64)
  }

  @Test("serve can run from the environment alone")
  func environmentOnly() throws {
    let command = try invoke(
      ["serve"],
      environment: [
        "RELEVO_NEW": "http://a,weight=2,id=a http://b:81\nhttp://c", "RELEVO_OLD": "http://d",
        "RELEVO_FALLBACK_ON": "404,410",
        "RELEVO_LISTEN": "127.0.0.1:1, 127.0.0.1:2", "RELEVO_ACCESS_LOG": "-", "RELEVO_VIA": "false",
        "RELEVO_FORWARDED_FOR": "True", "RELEVO_DEBUG_HEADERS": "true",
      ])
    #expect(command.origins.new.map(\.host) == ["a", "b", "c"])
    #expect(command.origins.new.map(\.options.weight) == [2, 1, 1])
    #expect(command.origins.old.map(\.host) == ["d"])
    #expect(command.listening.listen.count == 2)
    #expect(command.fallback.fallbackOn.description == "404,410")
    #expect(command.logging.accessLog == .standardOutput)
    #expect(!command.headers.via)
    #expect(command.headers.forwardedFor)
    #expect(command.headers.debugHeaders)
  }

  @Test("a variable whose values may hold blanks has one a line")
  func lines() throws {
    let command = try serve(
      environment: [
        "RELEVO_OLD_MISS_BODY": "Not here, sorry\n<title>404</title>\n",
        "RELEVO_OLD_MISS_REDIRECT": "/ /error.html",
      ])
    #expect(command.fallback.softMisses.bodies == ["Not here, sorry", "<title>404</title>"])
    #expect(command.fallback.softMisses.redirects == ["/", "/error.html"])
  }

  @Test("a subcommand of map takes the map file from the environment, and no flag that it does not have")
  func mapSubcommands() throws {
    func list(_ arguments: String..., environment: [String: String]) throws -> ListCommand {
      switch Invocation(arguments: ["map", "list"] + arguments, environment: environment) {
      case .run(let command): try #require(command as? ListCommand)
      case .refuse(let failure): throw failure
      case .print(let page): throw CommandFailure("printed \(page)", code: 0)
      }
    }
    let environment = ["RELEVO_MAP_FILE": "/a.map", "RELEVO_WORKERS": "nonsense"]
    #expect(try list(environment: environment).file.path() == "/a.map")
    #expect(try list("--map-file", "/b.map", environment: environment).file.path() == "/b.map")
    let refused = failure("map", "list", environment: ["RELEVO_MAP_FILE": "/folder/"])
    #expect(refused?.description.hasPrefix("the value '/folder/' is invalid for RELEVO_MAP_FILE: ") == true)
    #expect(throws: CommandFailure.self) { try list(environment: [:]).file.path() }
  }

  @Test("a flag wins over its variable, also as --no-… and with =")
  func flagsWin() throws {
    #expect(try serve("--workers", "2", environment: ["RELEVO_WORKERS": "nonsense"]).listening.workers == 2)
    #expect(try serve("--workers=2", environment: ["RELEVO_WORKERS": "3"]).listening.workers == 2)
    #expect(try serve("--no-via", environment: ["RELEVO_VIA": "true"]).headers.via == false)
    #expect(try serve("--debug-headers", environment: ["RELEVO_DEBUG_HEADERS": "false"]).headers.debugHeaders)
    let repeated = try serve(environment: ["RELEVO_NEW": "http://other"])
    #expect(repeated.origins.new.map(\.host) == ["new"])
  }

  @Test("an empty variable counts as none")
  func empty() throws {
    let command = try serve(environment: ["RELEVO_OLD_HOST": "", "RELEVO_VIA": "", "RELEVO_LISTEN": ""])
    #expect(command.origins.oldHost == "keep")
    #expect(command.headers.via)
    #expect(command.listening.listen.isEmpty)
  }

  @Test("a value that starts with hyphens stays a value")
  func hyphens() {
    #expect(
      failure("serve", environment: ["RELEVO_IDLE_TIMEOUT": "--via"])?.description
        == "the value '--via' is invalid for RELEVO_IDLE_TIMEOUT: write a whole number and a unit, as in 500ms, 10s, 5m or 24h"
    )
  }

  @Test("a check across two flags names the one that came as a variable by its variable")
  func acrossFlags() {
    let refused = failure(
      "serve", "--new=http://a", "--old=http://b", "--replay-memory=2k",
      environment: ["RELEVO_REPLAY_LIMIT": "1k"])
    #expect(
      refused?.description
        == "--replay-memory is 2k and RELEVO_REPLAY_LIMIT 1k: memory is part of the limit, give at most 1k")
  }

  @Test("the demo does not read the environment")
  func demo() {
    guard case .run(let command) = Invocation(arguments: ["demo"], environment: ["RELEVO_VIA": "maybe"])
    else {
      Issue.record("refused")
      return
    }
    #expect(command is DemoCommand)
  }

  @Test("a variable that is no flag is pointed out, but not those that Kubernetes sets for a service")
  func unknown() {
    let environment = [
      "RELEVO_LISTN": "", "RELEVO_MAX_URLS": "5", "RELEVO_LISTEN": "127.0.0.1:1", "PATH": "/bin",
      "RELEVO_PORT": "tcp://10.0.0.1:80", "RELEVO_PORT_80_TCP": "x", "RELEVO_SERVICE_HOST": "10.0.0.1",
    ]
    #expect(EnvironmentArguments.unknownVariables(in: environment) == ["RELEVO_LISTN", "RELEVO_MAX_URLS"])
  }
}
