import ArgumentParser
import Proxy
import Testing
import URLMap

@testable import relevo

/// `relevo serve` with one server of each site and `flags`, or what refused it.
func serve(_ flags: String..., environment: [String: String] = [:]) throws -> ServeCommand {
  try invoke(["serve", "--new", "http://new", "--old", "http://old"] + flags, environment: environment)
}

/// The command as parsed, or the failure that would be printed.
func invoke(_ arguments: [String], environment: [String: String] = [:]) throws -> ServeCommand {
  switch Invocation(arguments: arguments, environment: environment) {
  case .run(let command): try #require(command as? ServeCommand)
  case .refuse(let failure): throw failure
  case .print(let page): throw CommandFailure("printed \(page)", code: 0)
  }
}

/// The line and the code that `arguments` end with.
func failure(_ arguments: String..., environment: [String: String] = [:]) -> CommandFailure? {
  if case .refuse(let failure) = Invocation(arguments: arguments, environment: environment) { return failure }
  return nil
}

/// What serve says of flags of one group, as it would of all; nil when it takes them. All together take the parser a third of a
/// second in a debug build.
func refusal<Flags: ParsableArguments>(by group: Flags.Type, _ arguments: String...) -> String? {
  do {
    _ = try group.parse(arguments)
    return nil
  } catch {
    return CommandFailure(group.message(for: error), code: .usage).description
  }
}

func page(_ arguments: String...) -> String? {
  if case .print(let page) = Invocation(arguments: arguments, environment: [:]) { return page }
  return nil
}

@Suite("what a command line asks for")
struct InvocationTests {
  @Test("without flags serve has the documented defaults")
  func defaults() throws {
    let configuration = try serve().proxyConfiguration(descriptors: DescriptorLimit(descriptors: 1024))
    #expect(configuration.listeners == [.tcp(host: "127.0.0.1", port: 8080)])
    #expect(configuration.workers >= 1)
    #expect(configuration.mapRecheckAfter == .seconds(86_400))
    #expect(configuration.missTTL == .seconds(60))
    #expect(configuration.missMemory == 262_144)
    #expect(configuration.rules.isEmpty)
    #expect(!configuration.assetsFollowReferer)
    #expect(configuration.keys == KeyScheme())
    #expect(configuration.replayMemoryBytes == 1_048_576)
    #expect(configuration.replayMemoryTotalBytes == 67_108_864)
    #expect(configuration.replayLimitBytes == 67_108_864)
    #expect(configuration.timeouts.header == .seconds(10))
    #expect(configuration.timeouts.connect == .seconds(5))
    #expect(configuration.timeouts.response == .seconds(60))
    #expect(configuration.timeouts.idle == .seconds(60))
    #expect(configuration.timeouts.tunnel == .seconds(3600))
    #expect(configuration.maxConnections == 320)
    #expect(configuration.maxHeaderBytes == 16_384)
    #expect(configuration.maxHeaderFields == 128)
    #expect(configuration.writesForwarded)
    #expect(configuration.writesVia)
    #expect(configuration.oldHost == nil)
    #expect(configuration.softMisses == SoftMissRules())
    #expect(configuration.oldMode == .proxy)
    #expect(configuration.oldCookiePrefix == nil && configuration.stickyCookie == nil)
    #expect(!configuration.debugHeaders)
    #expect(configuration.resolveEvery == .seconds(30))
  }

  @Test("every flag reaches the proxy's configuration")
  func everyFlag() throws {
    let command = try invoke([
      "serve", "--listen", "[::1]:81", "--listen", "unix:/run/r.sock", "--new", "http://a:1", "--new",
      "http://b",
      "--old", "http://c", "--workers", "3", "--fallback-on", "404,410", "--learn-on", "2xx", "--old-miss-on",
      "404", "--old-miss-redirect", "/", "/error.html", "--old-miss-body", "Not here", "--old-miss-body=--",
      "--miss-ttl", "0", "--miss-memory", "2048", "--always-old", "/css/", "/img/", "--always-new",
      "/wp-admin/",
      "--old-assets-by-referer", "--map-key", "host-path", "--ignore-query", "sid,utm_*",
      "--map-recheck-after", "2h",
      "--replay-memory", "1k",
      "--replay-limit",
      "2k", "--header-timeout", "1s", "--connect-timeout", "2s", "--response-timeout", "3s", "--idle-timeout",
      "4s",
      "--tunnel-timeout", "5s", "--max-connections", "6", "--max-header-bytes", "7k", "--max-header-fields",
      "8",
      "--no-forwarded-for", "--no-via", "--old-host", "www.example.com", "--debug-headers", "--resolve-every",
      "9s", "--balance", "leastconn", "--origin-fails", "4", "--origin-pause", "10ms", "--origin-pause-max",
      "20ms", "--slow-start", "0", "--queue-length", "0", "--queue-timeout", "11s", "--retries", "0",
      "--retry-budget", "100%",
    ])
    let configuration = try command.proxyConfiguration(descriptors: DescriptorLimit(descriptors: 1024))
    #expect(configuration.listeners == [.tcp(host: "::1", port: 81), .unix(path: "/run/r.sock")])
    #expect(
      configuration.newServers == [OriginAddress(host: "a", port: 1), OriginAddress(host: "b", port: 80)])
    #expect(configuration.oldServers == [OriginAddress(host: "c", port: 80)])
    #expect(configuration.workers == 3)
    #expect(
      configuration.softMisses == SoftMissRules(redirects: ["/", "/error.html"], bodies: ["Not here", "--"]))
    #expect(configuration.missTTL == .zero)
    #expect(configuration.missMemory == 2048)
    #expect(!configuration.rules.isEmpty)
    #expect(configuration.assetsFollowReferer)
    #expect(configuration.keys == KeyScheme(.hostPath, ignoring: try IgnoredQuery(names: ["sid", "utm_*"])))
    #expect(configuration.mapRecheckAfter == .seconds(7200))
    #expect(configuration.replayMemoryBytes == 1024)
    #expect(configuration.replayLimitBytes == 2048)
    #expect(configuration.balance == .leastConnections)
    #expect(configuration.originFailures == 4)
    #expect(configuration.originPause == .milliseconds(10))
    #expect(configuration.originPauseMax == .milliseconds(20))
    #expect(configuration.slowStart == .zero)
    #expect(configuration.queueLength == 0)
    #expect(configuration.queueTimeout == .seconds(11))
    #expect(configuration.retries == 0)
    #expect(configuration.retryBudgetPercent == 100)
    #expect(configuration.timeouts.header == .seconds(1))
    #expect(configuration.timeouts.connect == .seconds(2))
    #expect(configuration.timeouts.response == .seconds(3))
    #expect(configuration.timeouts.idle == .seconds(4))
    #expect(configuration.timeouts.tunnel == .seconds(5))
    #expect(configuration.maxConnections == 6)
    #expect(configuration.maxHeaderBytes == 7168)
    #expect(configuration.maxHeaderFields == 8)
    #expect(!configuration.writesForwarded)
    #expect(!configuration.writesVia)
    #expect(configuration.oldHost == "www.example.com")
    #expect(configuration.debugHeaders)
    #expect(configuration.resolveEvery == .seconds(9))
  }

  @Test(
    "the old site's own name is taken apart, its own port and last slashes left out",
    arguments: [
      ("https://old.example.com", "https", "old.example.com", ""),
      ("HTTP://Old.example.com:80/", "http", "Old.example.com", ""),
      ("https://old:443//", "https", "old", ""), ("https://old:80/a/b%20c/", "https", "old:80", "/a/b%20c"),
      ("http://[2001:db8::1]:8080", "http", "[2001:db8::1]:8080", ""),
    ])
  func oldPublicURL(text: String, scheme: String, authority: String, path: String) throws {
    let flags = try OriginFlags.parse([
      "--old-mode", "redirect", "--old-public-url", text, "--old-redirect-status", "308",
    ])
    #expect(
      try flags.mode()
        == .redirect(
          OldRedirect(status: .permanentRedirect, scheme: scheme, authority: authority, path: path)))
  }

  @Test(
    "what is no address of a site is refused",
    arguments: [
      "old.example.com", "ftp://old", "https://", "https://:1", "https://a@b", "https://old?x",
      "https://old/#x",
      "https://old/a b", "https://old/\r\nX: 1", "https://old/\u{e4}", "https://old:0", "https://old:x",
    ])
  func noPublicURL(text: String) {
    let refusal = refusal(by: OriginFlags.self, "--old-mode=redirect", "--old-public-url=\(text)")
    #expect(refusal?.contains("--old-public-url <url>") == true)
  }

  @Test("a flag that may be given several times takes its values one by one or in a row")
  func severalValues() throws {
    let inARow = try invoke(["serve", "--new", "http://a", "http://b", "--old", "http://c"])
    let oneByOne = try invoke(["serve", "--new=http://a", "--old=http://c", "--new=http://b"])
    #expect(inARow.origins.new == oneByOne.origins.new)
    #expect(inARow.origins.new.map(\.host) == ["a", "b"])
  }

  @Test("of a flag given twice the last one holds")
  func givenTwice() throws {
    #expect(try serve("--workers", "2", "--workers", "3").listening.workers == 3)
    #expect(try serve("--via", "--no-via").headers.via == false)
  }

  @Test("a replay limit below the default memory takes the memory down with it")
  func smallReplayLimit() throws {
    #expect(try serve("--replay-limit", "1k").replay.memory == .kibibytes(1))
  }

  @Test("a file may be called - for the access log")
  func dash() throws {
    #expect(try serve("--access-log", "-").logging.accessLog == .standardOutput)
    #expect(try serve("--access-log=-").logging.accessLog == .standardOutput)
  }

  @Test(
    "whatever is wrong on the command line is one line and exit code 64",
    arguments: [
      (
        ["serve"],
        "serve needs a server of the new site: --new http://host:port, or RELEVO_NEW in the environment"
      ),
      (
        ["serve", "--new", "http://a"],
        "serve needs the server of the old site: --old http://host:port, or RELEVO_OLD in the environment"
      ),
      (
        ["serv"],
        "there is no command 'serv': write relevo serve, relevo check, relevo map or relevo demo; relevo --help explains"
      ),
      (
        ["--map-file=x"],
        "--map-file comes after the command: relevo serve --map-file …; relevo --help explains"
      ),
      (
        ["serve", "--new=http://a", "--old=http://b", "--old-mode", "redirect"],
        "--old-mode redirect needs the old site's own name: --old-public-url https://old.example.com"
      ),
      (
        ["serve", "--new=http://a", "--old=http://b", "--old-public-url", "https://old"],
        "--old-public-url is for --old-mode redirect: give both or none"
      ),
      (
        ["serve", "--new=http://a", "--old=http://b", "--old-redirect-status", "301"],
        "--old-redirect-status is for --old-mode redirect: give both or none"
      ),
      (["serve", "--zzzzzzzzzz"], "unknown option '--zzzzzzzzzz': relevo serve --help lists the flags"),
      (["serve", "--map-fil", "x"], "unknown option '--map-fil'. Did you mean '--map-file'?"),
      (["serve", "--map-file"], "missing value for '--map-file <path>'"),
      (
        ["serve", "--workers", "0"],
        "the value '0' is invalid for '--workers <count>': give a whole number from 1 to 256"
      ),
      (
        ["serve", "--new=http://a", "--old=http://b", "--replay-memory", "2m", "--replay-limit", "1m"],
        "--replay-memory is 2m and --replay-limit 1m: memory is part of the limit, give at most 1m"
      ),
      (
        ["serve", "--new=http://a", "--old=http://b", "--ignore-query", "none", "--ignore-query", "sid"],
        "--ignore-query is none and sid at once: give none alone, or leave it out"
      ),
      (
        ["demo", "--port", "0"],
        "the value '0' is invalid for '--port <port>': give a whole number from 1 to 65535"
      ),
      (["demo", "extra"], "unexpected argument 'extra'"),
      (["map", "lst"], "there is no subcommand 'lst' of relevo map: relevo map --help lists them"),
      (
        ["map", "--map-file=x", "list"],
        "--map-file comes after the subcommand: relevo map list --map-file …; relevo map --help lists them"
      ),
      (
        ["map", "list", "--zzzzzzzzzz"],
        "unknown option '--zzzzzzzzzz': relevo map list --help lists the flags"
      ),
      (
        ["map", "list", "--limit", "0"],
        "the value '0' is invalid for '--limit <count>': give a whole number from 1 to 9223372036854775807"
      ),
      (
        ["map", "list", "--sort", "size"],
        "the value 'size' is invalid for '--sort <order>'. Please provide one of 'url', 'hits' or 'last'"
      ),
    ])
  func badCommandLines(arguments: [String], sentence: String) throws {
    guard case .refuse(let failure) = Invocation(arguments: arguments, environment: [:]) else {
      Issue.record("\(arguments) was taken")
      return
    }
    #expect(failure.line == "relevo: \(sentence)\n")
    #expect(failure.code == 64)
  }

  @Test("a value that its flag does not take is refused with what would be right")
  func badValues() {
    #expect(
      refusal(by: OriginFlags.self, "--old-redirect-status", "303")
        == "the value '303' is invalid for '--old-redirect-status <status>': write 301, 302, 307 or 308")
    #expect(
      refusal(by: LimitFlags.self, "--idle-timeout", "1\n2")
        == "the value '1 2' is invalid for '--idle-timeout <time>': write a whole number and a unit, as in 500ms, 10s, 5m or 24h"
    )
    #expect(
      refusal(by: LimitFlags.self, "--max-header-bytes", "2m")
        == "the value '2m' is invalid for '--max-header-bytes <size>': give a size from 1k to 1m")
    #expect(
      refusal(by: LoggingFlags.self, "--log-level", "loud")
        == "the value 'loud' is invalid for '--log-level <level>'. Please provide one of 'trace', 'debug', 'info', 'warning' or 'error'"
    )
    #expect(
      refusal(by: RuleFlags.self, "--always-new", "wp-admin")
        == "the value 'wp-admin' is invalid for '--always-new <prefix>': a path begins with a slash, as in /css/"
    )
  }

  @Test("a value outside what its flag takes is refused by the flag's name")
  func outOfRange() {
    func expect<Flags: ParsableArguments>(_ group: Flags.Type, _ refused: (flag: String, value: String)...) {
      for (flag, value) in refused {
        #expect(
          refusal(by: group, "\(flag)=\(value)")?.hasPrefix("the value '\(value)' is invalid for '\(flag) <")
            == true, "\(flag) \(value)")
      }
    }
    expect(ListeningFlags.self, ("--listen", "127.0.0.1:99999"), ("--workers", "many"))
    expect(OriginFlags.self, ("--new", "ftp://x"))
    expect(FallbackFlags.self, ("--fallback-on", "banana"), ("--fallback-on", "99"))
    expect(MapFlags.self, ("--map-key", "colour"), ("--map-max-urls", "x"))
    expect(ReplayFlags.self, ("--replay-limit", "1x"))
    expect(
      LimitFlags.self, ("--idle-timeout", "10"), ("--idle-timeout", "-1s"), ("--max-connections", "-1"),
      ("--max-header-bytes", "0"))
    #expect(
      refusal(by: LimitFlags.self, "--header-timeout", "")?.hasPrefix(
        "the value '' is invalid for '--header-timeout <") == true)
  }

  @Test(
    "each origin flag refuses nonsense and names itself",
    arguments: [
      "--new", "--old", "--old-host", "--old-mode", "--old-public-url", "--old-redirect-status",
    ])
  func nonsenseAboutOrigins(flag: String) {
    let refusal = refusal(by: OriginFlags.self, flag, "?z?")
    #expect(refusal?.hasPrefix("the value '?z?' is invalid for '\(flag) <") == true)
  }

  @Test(
    "each status flag refuses nonsense and names itself",
    arguments: ["--fallback-on", "--learn-on", "--old-miss-on", "--old-miss-redirect"])
  func nonsenseAboutStatuses(flag: String) {
    let refusal = refusal(by: FallbackFlags.self, flag, "?z?")
    #expect(refusal?.hasPrefix("the value '?z?' is invalid for '\(flag) <") == true)
  }

  @Test("a listen address that is nonsense is refused by its flag's name, with 64")
  func nonsenseAboutListening() {
    let failure = failure("serve", "--listen", "?z?")
    #expect(failure?.description.hasPrefix("the value '?z?' is invalid for '--listen <") == true)
    #expect(failure?.code == 64)
  }
}

@Suite("the help pages")
struct HelpTests {
  @Test("the first page tells what it is, the decisions, the signals, the exit codes and the environment")
  func rootPage() throws {
    let help = try #require(page("--help"))
    for part in [
      "relevo demo", "relevo serve", "WHAT A REQUEST GETS", "SIGTERM", "SIGINT", "SIGUSR1", "EXIT CODES",
      "  64  ",
      "  69  ", "  78  ", "RELEVO_MAP_FILE",
    ] {
      #expect(help.contains(part), "the page lacks \(part)")
    }
    #expect(page() == help)
    #expect(page("help") == help)
  }

  @Test("the page of serve has a section for each group of flags")
  func sections() throws {
    let help = try #require(page("serve", "--help"))
    for title in [
      "LISTENING", "ORIGINS", "FALLBACK", "RULES", "URL MAP", "REPLAY", "LIMITS AND TIMEOUTS", "LOGGING",
      "HEADERS",
    ] {
      #expect(help.contains("\n\(title):\n"))
    }
  }

  @Test(
    "no line of a page is wider than 80 columns",
    arguments: [["--help"], ["serve", "--help"], ["map", "--help"], ["demo", "--help"]])
  func width(arguments: [String]) throws {
    guard case .print(let help) = Invocation(arguments: arguments, environment: [:]) else {
      Issue.record("no page")
      return
    }
    #expect(help.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  /// Relevo's command and all below it.
  private static var commands: [any ParsableCommand.Type] {
    var found: [any ParsableCommand.Type] = [Relevo.self]
    var next = 0
    while next < found.count {
      found += found[next].configuration.subcommands
      next += 1
    }
    return found
  }

  @Test("no page breaks a line of its prose anew, as it would one of 80 columns")
  func prose() {
    #expect(Self.commands.count > 10)
    for command in Self.commands {
      for line in command.configuration.discussion.split(separator: "\n") {
        #expect(line.count < 80, "\(command._commandName): \(line)")
      }
    }
  }

  @Test("relevo map alone prints its page, with the exit codes")
  func mapPage() throws {
    let help = try #require(page("map"))
    #expect(help == page("map", "--help"))
    #expect(help == page("help", "map"))
    for part in ["  list ", "EXIT CODES", "  65  ", "  66  ", "  75  "] {
      #expect(help.contains(part), "the page lacks \(part)")
    }
  }

  @Test(
    "each subcommand of relevo map has a page that fits 80 columns and explains every flag",
    arguments: MapCommand.configuration.subcommands.map { $0._commandName })
  func mapSubcommandPages(name: String) throws {
    let help = try #require(page("map", name, "--help"))
    #expect(help.split(separator: "\n").allSatisfy { $0.count <= 80 })
    #expect(help.contains("--map-file <path>"))
    for flag in try HelpPage(of: "map", name).flags where flag.name != "help" && flag.name != "version" {
      #expect(flag.text.contains(". ") || flag.text.hasSuffix("."), "\(flag.name): \(flag.text)")
    }
  }

  @Test("every flag of serve is explained in a sentence with its default, unless it has none")
  func sentences() throws {
    for flag in try HelpPage(of: "serve").flags where flag.name != "help" && flag.name != "version" {
      #expect(flag.text.contains(". ") || flag.text.hasSuffix("."), "\(flag.name): \(flag.text)")
      #expect(
        flag.text.contains("default: ") == !["new", "old"].contains(flag.name), "\(flag.name): \(flag.text)")
    }
  }

  @Test("help wins over a broken environment")
  func helpWithBrokenEnvironment() {
    let broken = ["RELEVO_VIA": "maybe", "RELEVO_WORKERS": "many"]
    guard case .print = Invocation(arguments: ["serve", "--help"], environment: broken) else {
      Issue.record("no page")
      return
    }
  }

  @Test("the version is one line")
  func version() {
    #expect(page("--version") == "relevo 0.1.0")
  }
}

/// The flags that a help page lists, as a reader sees them.
struct HelpPage {
  let flags: [(name: String, text: String)]

  init(of command: String...) throws {
    guard case .print(let help) = Invocation(arguments: command + ["--help"], environment: [:]) else {
      throw CommandFailure("\(command) has no page", code: 0)
    }
    var flags: [(name: String, text: String)] = []
    for line in help.split(separator: "\n", omittingEmptySubsequences: false) {
      if let match = line.firstMatch(
        of: /^  (?:-[a-z], )?--([a-z0-9-]+)(?:\/--[a-z0-9-]+)?(?: <[^>]+>)?(.*)$/)
      {
        flags.append((String(match.1), String(match.2).trimmingSpaces()))
      } else if line.hasPrefix("      "), let last = flags.indices.last {
        flags[last].text = (flags[last].text + " " + String(line).trimmingSpaces()).trimmingSpaces()
      }
    }
    self.flags = flags
  }
}

extension String {
  fileprivate func trimmingSpaces() -> String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
