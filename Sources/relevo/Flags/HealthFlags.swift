import ArgumentParser
import HTTP1
import Proxy

/// How servers are checked beside their work.
struct HealthFlags: ParsableArguments {
  @OptionGroup var paths: HealthPathFlags

  @Option(
    help: .flag(
      "Check each server this often, from 100ms to 1h.", value: "time", default: Defaults.healthInterval),
    transform: DurationArgument.from(.milliseconds(100), to: .hours(1)))
  var healthInterval = Defaults.healthInterval

  @Option(
    help: .flag(
      "Let a check take this long, from 10ms to 1m; one that takes longer has failed.", value: "time",
      default: Defaults.healthTimeout),
    transform: DurationArgument.from(.milliseconds(10), to: .minutes(1)))
  var healthTimeout = Defaults.healthTimeout

  @Option(
    help: .flag(
      "Give a server that was down requests again after so many checks passed in a row, from 1 to 100.",
      value: "count", default: Defaults.healthRise),
    transform: CountArgument.within(HealthChecks.rows))
  var healthRise = Defaults.healthRise

  @Option(
    help: .flag(
      "Take a server for down after so many checks failed in a row, from 1 to 100; the very first check decides alone.",
      value: "count", default: Defaults.healthFall),
    transform: CountArgument.within(HealthChecks.rows))
  var healthFall = Defaults.healthFall

  /// Nil when no site is to be checked.
  ///
  /// - Parameter oldHost: what the old server wants; nil leaves that to the flags of this group.
  func checks(oldHost: String?) throws(StatusSetError) -> HealthChecks? {
    let (new, old) = (paths.target(of: .new, oldHost: oldHost), paths.target(of: .old, oldHost: oldHost))
    if new == nil, old == nil { return nil }
    var checks = HealthChecks(
      new: new, old: old, expect: try paths.healthExpect.statuses(),
      userAgent: "relevo-health/\(Relevo.versionNumber)")
    checks.interval = healthInterval.duration
    checks.timeout = healthTimeout.duration
    checks.rise = healthRise
    checks.fall = healthFall
    return checks
  }
}

/// What servers are asked for and have to answer; for serve, and for who foretells what it does.
struct HealthPathFlags: ParsableArguments {
  @Option(
    help: .flag(
      "Ask each server of the new site for this path, again and again, and give none that fails any requests while another is up; as in /index.html.",
      value: "path", default: "none, requests find out"),
    transform: CheckPathArgument.init(parsing:))
  var healthPath: CheckPathArgument?

  @Option(
    help: .flag(
      "Ask the servers of the old site for this path in the same way.", value: "path",
      default: "none, requests find out"),
    transform: CheckPathArgument.init(parsing:))
  var oldHealthPath: CheckPathArgument?

  @Option(
    help: .flag(
      "Take these answers to a check for those of a server that is well.", value: "statuses",
      default: Defaults.healthExpect),
    transform: StatusesArgument.init(parsing:))
  var healthExpect = Defaults.healthExpect

  @Option(
    help: .flag(
      "Send this Host with checks; to the old server --old-host where that is given.", value: "host",
      default: "each server's own name"),
    transform: HostAndPort.hostField)
  var healthHost: String?

  /// The names of these flags, without their hyphens.
  static let names: Set<String> = ["health-path", "old-health-path", "health-expect", "health-host"]

  /// What the servers of a site are asked for; nil: they are not checked.
  ///
  /// - Parameter oldHost: what the old server wants; nil leaves that to the flags of this group.
  func target(of site: Site, oldHost: String?) -> HealthChecks.Target? {
    switch site {
    case .new: healthPath.map { HealthChecks.Target(path: $0.description, host: healthHost) }
    case .old: oldHealthPath.map { HealthChecks.Target(path: $0.description, host: oldHost ?? healthHost) }
    }
  }
}

/// The path that a check asks for.
struct CheckPathArgument: Sendable, CustomStringConvertible {
  let description: String

  init(parsing text: String) throws(BadValue) {
    guard text.hasPrefix("/"), text.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "#") }) else {
      throw BadValue("write the path of a page that answers while the server is well, as in /index.html")
    }
    description = text
  }
}
