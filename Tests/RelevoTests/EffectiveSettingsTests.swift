import Testing

@testable import relevo

@Suite("the settings as the admin plane tells them")
struct EffectiveSettingsTests {
  private func settings(_ flags: [String], _ environment: [String: String] = [:]) throws -> [String: String?]
  {
    switch Invocation(arguments: ["serve"] + flags, environment: environment) {
    case .run(let command): return try #require(command as? ServeCommand).settings
    case .refuse(let failure): throw failure
    case .print(let page): throw CommandFailure("printed \(page)", code: .usage)
    }
  }

  @Test("are those that were given and the others' defaults, as flags write them")
  func values() throws {
    let settings = try settings([
      "--new", "http://a", "--old", "http://b:81", "--listen", "127.0.0.1:1", "[::1]:2", "--map-max-urls",
      "5",
      "--miss-ttl", "90s", "--no-via",
    ])
    #expect(settings["--new"] == "http://a")
    #expect(settings["--old"] == "http://b:81")
    #expect(settings["--listen"] == "127.0.0.1:1 [::1]:2")
    #expect(settings["--map-max-urls"] == "5")
    #expect(settings["--miss-ttl"] == "90s")
    #expect(settings["--via"] == "false")
    #expect(settings["--fallback-on"] == "404")
    #expect(settings["--map-key"] == "path-query")
    #expect(settings["--log-level"] == "info")
    #expect(settings["--map-file"] == .some(nil), "named though it has no value")
    #expect(settings["--admin"] == .some(nil))
  }

  /// Each flag of serve with values that are not its defaults.
  private static let written: [(flag: String, values: [String])] = [
    ("listen", ["127.0.0.1:1", "[::1]:2", "unix:/run/relevo.sock"]), ("workers", ["3"]),
    ("takeover", []),
    ("tls-listen", ["127.0.0.1:443", "unix:/run/tls.sock"]), ("tls-cert", ["/a.pem", "/b.pem"]),
    ("tls-key", ["/a.key", "/b.key"]), ("tls-min-version", ["1.3"]), ("tls-ocsp", ["/a.der"]),
    ("tls-client-ca", ["/ca.pem"]), ("tls-client-auth", ["optional"]), ("tls-redirect", []),
    ("tls-redirect-port", ["8443"]), ("tls-hsts", ["24h"]), ("tls-keylog", ["/root/keys.log"]),
    ("trusted-proxies", ["10.0.0.0/8", "2001:db8::/32", "unix"]), ("accept-proxy", []),
    ("new", ["http://10.0.0.11,weight=3,max=200,id=a", "https://[::1]:8080,sni=a.example"]),
    ("old", ["http://10.0.0.2,max=50"]),
    ("old-host", ["old.example:81"]), ("old-mode", ["redirect"]),
    ("old-public-url", ["https://old.example.com/site"]), ("old-redirect-status", ["307"]),
    ("resolve-every", ["5m"]), ("origin-ca", ["/roots.pem"]), ("origin-cert", ["/own.pem"]),
    ("origin-key", ["/own.key"]), ("balance", ["leastconn"]), ("origin-fails", ["7"]),
    ("origin-pause", ["2s"]),
    ("origin-pause-max", ["2m"]), ("slow-start", ["0s"]), ("queue-length", ["9"]),
    ("queue-timeout", ["1500ms"]),
    ("retries", ["0"]), ("retry-budget", ["5%"]), ("health-path", ["/up?x=1"]),
    ("old-health-path", ["/alive"]),
    ("health-interval", ["1h"]), ("health-timeout", ["3s"]), ("health-expect", ["204,3xx"]),
    ("health-rise", ["4"]),
    ("health-fall", ["5"]), ("health-host", ["h:81"]), ("fallback-on", ["404,410,unreachable"]),
    ("learn-on", ["200-204"]), ("old-miss-on", ["4xx"]), ("old-miss-redirect", ["/", "/error.html"]),
    ("old-miss-body", ["Not found, sorry", "Nothing here"]), ("miss-ttl", ["90s"]), ("miss-memory", ["1024"]),
    ("always-old", ["/css/", "/img/"]), ("always-new", ["/wp-admin/"]), ("rules-file", ["/etc/relevo/rules"]),
    ("old-assets-by-referer", []), ("old-cookie-prefix", ["old_"]), ("sticky-cookie", ["PHPSESSID"]),
    ("map-file", ["/var/lib/urls.map"]), ("map-snapshot-every", ["2h"]), ("map-max-urls", ["5"]),
    ("map-key", ["host-path-query"]), ("ignore-query", ["default", "ref", "s_*"]),
    ("map-recheck-after", ["36h"]),
    ("replay-memory", ["64k"]), ("replay-limit", ["1g"]), ("header-timeout", ["1s"]),
    ("connect-timeout", ["2s"]),
    ("response-timeout", ["3m"]), ("idle-timeout", ["4s"]), ("tunnel-timeout", ["5h"]),
    ("max-connections", ["77"]),
    ("origin-keepalive", ["8"]), ("max-header-bytes", ["8k"]), ("max-header-fields", ["50"]),
    ("drain-delay", ["6s"]),
    ("drain-timeout", ["7s"]), ("access-log", ["off"]), ("log-format", ["json"]), ("log-level", ["debug"]),
    ("forwarded", []), ("debug-headers", []), ("admin", ["127.0.0.1:9000", "unix:/run/admin.sock"]),
    ("admin-token-file", ["/etc/token"]),
  ]

  @Test("are every flag's in its own words, and come out the same when they are given back as variables")
  func spelling() throws {
    let off = ["startup-probes", "forwarded-for", "via"]
    let flags =
      off.map { "--no-\($0)" }
      + Self.written.flatMap { flag, values in
        values.isEmpty ? ["--\(flag)"] : values.map { "--\(flag)=\($0)" }
      }
    let settings = try settings(flags)
    for (flag, values) in Self.written {
      let text = values.isEmpty ? "true" : values.joined(separator: flag == "old-miss-body" ? "\n" : " ")
      #expect(settings["--\(flag)"] == text)
    }
    for flag in off { #expect(settings["--\(flag)"] == "false") }
    #expect(Set(settings.keys) == Set(EnvironmentArguments.flags.map { "--\($0.name)" }))
    let variables = EnvironmentArguments.flags.compactMap { flag in
      (settings["--\(flag.name)"] ?? nil).map { (flag.variable, $0) }
    }
    // Without --config, and without --admin-user-file as there is a token's.
    #expect(variables.count == settings.count - 2)
    #expect(try self.settings([], Dictionary(variables) { $1 }) == settings)
  }

  @Test("are no other when the defaults are given back")
  func defaults() throws {
    let defaults = try settings(["--new=http://a", "--old=http://b"])
    let variables = EnvironmentArguments.flags.compactMap { flag in
      (defaults["--\(flag.name)"] ?? nil).map { (flag.variable, $0) }
    }
    #expect(variables.count < defaults.count)
    #expect(try settings([], Dictionary(variables) { $1 }) == defaults)
    #expect(
      try settings(["--new=http://a", "--old=http://b", "--admin=127.0.0.1:1", "--admin-user-file=/u"])[
        "--admin-user-file"] == "/u")
  }
}
