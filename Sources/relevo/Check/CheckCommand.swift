import ArgumentParser
import EventLoop
import Glibc
import HTTP1
import Proxy
import TLS

/// `relevo check`: looks at both sites before they are served together.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Asks both sites what would keep Relevo from its work, and says what to do about it.",
    usage: "relevo check --new URL... --old URL... [--public-host NAME] [flags]",
    discussion: HelpPages.check)

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text, json
  }

  @OptionGroup(title: "Origins") var origins: OriginFlags
  @OptionGroup(title: "TLS with origins") var originTLS: OriginTLSFlags
  @OptionGroup(title: "Fallback") var fallback: FallbackFlags
  @OptionGroup(title: "Health checks") var health: HealthPathFlags

  @Option(
    help: .flag(
      "Ask both sites by this Host, as visitors will; the old one by --old-host where that is given.",
      value: "host", default: "each server by its own name"),
    transform: HostAndPort.hostField)
  var publicHost: String?

  @Option(
    help: .flag("Give each answer so long, from 100ms to 1m.", value: "time", default: Self.defaultTimeout),
    transform: DurationArgument.from(.milliseconds(100), to: .minutes(1)))
  var timeout = Self.defaultTimeout

  @Option(help: ArgumentHelp("Print for people (text) or for programs (json).", valueName: "text|json"))
  var format = Format.text

  private static let defaultTimeout = DurationArgument.seconds(5)

  /// The flags that it takes from the environment: those that it shares with serve.
  static let flagsFromEnvironment = HealthPathFlags.names.union(OriginTLSFlags.names).union([
    "new", "old", "old-host", "old-mode", "old-public-url", "old-redirect-status", "resolve-every",
    "fallback-on", "learn-on", "old-miss-on", "old-miss-redirect", "old-miss-body", "miss-ttl",
  ])

  func checkTogether() throws(CommandFailure) {
    if origins.new.isEmpty || origins.old.isEmpty {
      let missing = origins.new.isEmpty ? "new" : "old"
      throw CommandFailure(
        "check needs a server of the \(missing) site: --\(missing) http://host:port, or RELEVO_\(missing.uppercased())",
        code: .usage)
    }
    try originTLS.checkTogether(origins.new + origins.old)
  }

  func run() throws {
    signal(SIGPIPE, SIG_IGN)
    let (servers, unresolved) = resolved()
    let check = SiteCheck(
      servers: servers, rules: try MissRules(fallback),
      health: try HealthQuestion(health, oldHost: origins.oldHost == Defaults.oldHost ? nil : origins.oldHost)
    )
    let tls: TLSClientContext?
    do throws(TLSError) {
      tls = try originTLS.context(for: origins.new + origins.old, keyLog: nil)
    } catch {
      throw CommandFailure(error.description, code: .configuration)
    }
    let found = check.run(try Inquiry(timeout: timeout.duration, purpose: "check", tls: tls))
    let report = CheckReport(findings: unresolved + found)
    StandardStream.output.write(format == .text ? report.text : try report.json())
    if report.count(.problem) > 0 { throw ExitCode(1) }
  }

  /// The servers, and a finding for each name that leads nowhere.
  private func resolved() -> ([CheckedServer], [Finding]) {
    var servers: [CheckedServer] = []
    var findings: [Finding] = []
    let oldHost = origins.oldHost == Defaults.oldHost ? publicHost : origins.oldHost
    let all =
      origins.new.map { ($0, Site.new, publicHost) } + origins.old.map { ($0, Site.old, oldHost) }
    for (origin, role, host) in all {
      do throws(ResolveError) {
        servers += try CheckedServer.behind(origin, role: role, host: host)
      } catch {
        findings.append(
          .problem(
            "\(role) \(origin.url)", "has a name that does not resolve: \(error.reason)",
            remedy: "Check the name and this machine's DNS."))
      }
    }
    return (servers, findings)
  }
}
