/// Turns `RELEVO_…` variables into the arguments they stand for, where the command line has no such flag.
struct EnvironmentArguments {
  /// A flag of `relevo serve` and how its variable is written.
  struct Flag: Sendable {
    /// Without its hyphens.
    let name: String
    let values: Values

    var variable: String {
      "RELEVO_" + name.uppercased().replacing("-", with: "_")
    }
  }

  enum Values: Sendable {
    case one
    /// Separated by spaces or commas.
    case several
    /// Separated by spaces or line ends: they may hold commas.
    case words
    /// One a line: they may hold spaces and commas.
    case lines
    /// `true` or `false`, for `--name` and `--no-name`.
    case onOrOff
    /// `true` or `false`, for `--name` and nothing.
    case on
  }

  /// Every flag of `relevo serve`, in the order of its help.
  static let flags: [Flag] = [
    Flag(name: "config", values: .one),
    Flag(name: "listen", values: .several),
    Flag(name: "workers", values: .one),
    Flag(name: "takeover", values: .on),
    Flag(name: "tls-listen", values: .several),
    Flag(name: "tls-cert", values: .several),
    Flag(name: "tls-key", values: .several),
    Flag(name: "tls-min-version", values: .one),
    Flag(name: "tls-ocsp", values: .several),
    Flag(name: "tls-client-ca", values: .one),
    Flag(name: "tls-client-auth", values: .one),
    Flag(name: "tls-redirect", values: .on),
    Flag(name: "tls-redirect-port", values: .one),
    Flag(name: "tls-hsts", values: .one),
    Flag(name: "tls-keylog", values: .one),
    Flag(name: "http2", values: .onOrOff),
    Flag(name: "h2c", values: .on),
    Flag(name: "http2-max-streams", values: .one),
    Flag(name: "http2-stream-window", values: .one),
    Flag(name: "http2-connection-window", values: .one),
    Flag(name: "trusted-proxies", values: .several),
    Flag(name: "accept-proxy", values: .on),
    Flag(name: "new", values: .words),
    Flag(name: "old", values: .words),
    Flag(name: "old-host", values: .one),
    Flag(name: "old-mode", values: .one),
    Flag(name: "old-public-url", values: .one),
    Flag(name: "old-redirect-status", values: .one),
    Flag(name: "resolve-every", values: .one),
    Flag(name: "origin-ca", values: .one),
    Flag(name: "origin-cert", values: .one),
    Flag(name: "origin-key", values: .one),
    Flag(name: "origin-tls-insecure", values: .on),
    Flag(name: "balance", values: .one),
    Flag(name: "origin-fails", values: .one),
    Flag(name: "origin-pause", values: .one),
    Flag(name: "origin-pause-max", values: .one),
    Flag(name: "slow-start", values: .one),
    Flag(name: "queue-length", values: .one),
    Flag(name: "queue-timeout", values: .one),
    Flag(name: "retries", values: .one),
    Flag(name: "retry-budget", values: .one),
    Flag(name: "health-path", values: .one),
    Flag(name: "old-health-path", values: .one),
    Flag(name: "health-expect", values: .one),
    Flag(name: "health-host", values: .one),
    Flag(name: "health-interval", values: .one),
    Flag(name: "health-timeout", values: .one),
    Flag(name: "health-rise", values: .one),
    Flag(name: "health-fall", values: .one),
    Flag(name: "fallback-on", values: .one),
    Flag(name: "learn-on", values: .one),
    Flag(name: "old-miss-on", values: .one),
    Flag(name: "old-miss-redirect", values: .several),
    Flag(name: "old-miss-body", values: .lines),
    Flag(name: "miss-ttl", values: .one),
    Flag(name: "miss-memory", values: .one),
    Flag(name: "always-old", values: .several),
    Flag(name: "always-new", values: .several),
    Flag(name: "rules-file", values: .one),
    Flag(name: "old-assets-by-referer", values: .on),
    Flag(name: "old-cookie-prefix", values: .one),
    Flag(name: "sticky-cookie", values: .one),
    Flag(name: "map-file", values: .one),
    Flag(name: "map-snapshot-every", values: .one),
    Flag(name: "map-max-urls", values: .one),
    Flag(name: "map-key", values: .one),
    Flag(name: "ignore-query", values: .several),
    Flag(name: "map-recheck-after", values: .one),
    Flag(name: "replay-memory", values: .one),
    Flag(name: "replay-memory-total", values: .one),
    Flag(name: "replay-limit", values: .one),
    Flag(name: "header-timeout", values: .one),
    Flag(name: "connect-timeout", values: .one),
    Flag(name: "response-timeout", values: .one),
    Flag(name: "idle-timeout", values: .one),
    Flag(name: "tunnel-timeout", values: .one),
    Flag(name: "max-connections", values: .one),
    Flag(name: "origin-keepalive", values: .one),
    Flag(name: "splice", values: .onOrOff),
    Flag(name: "max-header-bytes", values: .one),
    Flag(name: "max-header-fields", values: .one),
    Flag(name: "drain-delay", values: .one),
    Flag(name: "drain-timeout", values: .one),
    Flag(name: "access-log", values: .one),
    Flag(name: "log-format", values: .one),
    Flag(name: "log-level", values: .one),
    Flag(name: "startup-probes", values: .onOrOff),
    Flag(name: "forwarded-for", values: .onOrOff),
    Flag(name: "forwarded", values: .on),
    Flag(name: "via", values: .onOrOff),
    Flag(name: "debug-headers", values: .on),
    Flag(name: "admin", values: .several),
    Flag(name: "admin-token-file", values: .one),
    Flag(name: "admin-user-file", values: .one),
  ]

  /// What the variables stand for, in the order of ``flags``.
  private(set) var supplied: [SuppliedFlag] = []

  /// - Parameters:
  ///   - commandLine: whose flags win over the environment.
  ///   - names: of the flags that the command takes; nil: all of them.
  /// - Throws: ``CommandFailure`` naming a variable that is neither true nor false.
  init(_ environment: [String: String], unlessIn commandLine: [String], only names: Set<String>? = nil)
    throws(CommandFailure)
  {
    let given = Self.given(on: commandLine)
    for flag in Self.flags where names?.contains(flag.name) != false && !given.contains(flag.name) {
      // An empty variable is how compose files leave one out.
      guard let text = environment[flag.variable], !text.isEmpty else { continue }
      supplied.append(
        SuppliedFlag(
          flag: flag, arguments: try Self.arguments(for: flag, text: text), writtenName: flag.variable,
          place: nil))
    }
  }

  private static func arguments(for flag: Flag, text: String) throws(CommandFailure) -> [String] {
    switch flag.values {
    case .one: ["--\(flag.name)=\(text)"]
    case .several: text.split { $0 == " " || $0 == "," }.map { "--\(flag.name)=\($0)" }
    case .words: text.split { $0.isWhitespace }.map { "--\(flag.name)=\($0)" }
    case .lines: text.split { $0.isNewline }.map { "--\(flag.name)=\($0)" }
    case .onOrOff: try isTrue(flag, text) ? ["--\(flag.name)"] : ["--no-\(flag.name)"]
    case .on: try isTrue(flag, text) ? ["--\(flag.name)"] : []
    }
  }

  private static func isTrue(_ flag: Flag, _ text: String) throws(CommandFailure) -> Bool {
    switch text.lowercased() {
    case "true": true
    case "false": false
    default:
      throw CommandFailure(
        "the value '\(text)' is invalid for \(flag.variable): write true or false", code: .usage)
    }
  }

  /// The names of the flags that a command line has, without their hyphens and their `no-`.
  static func given(on commandLine: [String]) -> Set<String> {
    let words = Set(commandLine.map { $0.prefix { $0 != "=" } })
    return Set(flags.map(\.name).filter { words.contains("--\($0)") || words.contains("--no-\($0)") })
  }

  /// Variables that look like ours and are no flag, in alphabetical order: most likely a slip of the pen.
  ///
  /// What Kubernetes sets for a service named relevo is left out.
  static func unknownVariables(in environment: [String: String]) -> [String] {
    let known = Set(flags.map(\.variable))
    return environment.keys
      .filter { $0.hasPrefix("RELEVO_") && !known.contains($0) }
      .filter { $0 != "RELEVO_PORT" && !$0.hasPrefix("RELEVO_PORT_") && !$0.hasPrefix("RELEVO_SERVICE_") }
      .sorted()
  }
}
