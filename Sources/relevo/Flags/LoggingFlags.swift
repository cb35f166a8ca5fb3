import ArgumentParser
import Proxy

struct LoggingFlags: ParsableArguments {
  @Option(
    help: .flag(
      "Write a line for each request to this file; - is standard output.", value: "path|-|off",
      default: Defaults.accessLog),
    transform: AccessLogArgument.init(parsing:))
  var accessLog = Defaults.accessLog

  @Option(
    help: ArgumentHelp(
      "Write these lines in the combined format of Apache and nginx with what Relevo did behind it, or as JSON objects.",
      valueName: "format"))
  var logFormat = Defaults.logFormat

  @Option(
    help: ArgumentHelp("Say this much on standard error.", valueName: "level"))
  var logLevel = Defaults.logLevel

  @Flag(
    inversion: .prefixedNo, exclusivity: .chooseLast,
    help:
      "Ask each server once at the start for a page that does not exist, and warn when that is not answered as a miss."
  )
  var startupProbes = true
}

/// `--log-format`.
extension AccessLogFormat: ExpressibleByArgument {}
