import Proxy
import Testing

@testable import relevo

@Suite("flags of health, stopping and kept connections")
struct HealthFlagsTests {
  private func configuration(_ flags: String...) throws -> ProxyConfiguration {
    let arguments = ["serve", "--new", "http://a", "--old", "http://b"] + flags
    switch Invocation(arguments: arguments, environment: [:]) {
    case .run(let command):
      return try #require(command as? ServeCommand).proxyConfiguration(
        descriptors: DescriptorLimit(descriptors: 1024))
    case .refuse(let failure): throw failure
    case .print(let page): throw CommandFailure("printed \(page)", code: 0)
    }
  }

  @Test("without a path nobody is checked, and stopping takes ten seconds at most")
  func defaults() throws {
    let configuration = try configuration("--health-interval", "1s")
    #expect(configuration.healthChecks == nil)
    #expect(configuration.drainDelay == .zero && configuration.drainTimeout == .seconds(10))
    #expect(configuration.originKeepalive == 512)
    #expect(!configuration.oldStandsIn)
  }

  @Test("every flag reaches the proxy's configuration")
  func everyFlag() throws {
    let configuration = try configuration(
      "--health-path", "/up?x=1", "--old-health-path", "/old", "--health-interval", "1s", "--health-timeout",
      "3s", "--health-expect", "204", "--health-rise", "4", "--health-fall", "5", "--health-host", "h:81",
      "--drain-delay", "6s", "--drain-timeout", "0", "--origin-keepalive", "0", "--fallback-on",
      "404,unreachable")
    let checks = try #require(configuration.healthChecks)
    #expect(checks.new == HealthChecks.Target(path: "/up?x=1", host: "h:81"))
    #expect(checks.old == HealthChecks.Target(path: "/old", host: "h:81"))
    #expect(checks.interval == .seconds(1) && checks.timeout == .seconds(3))
    #expect(checks.expect.description == "204" && checks.rise == 4 && checks.fall == 5)
    #expect(checks.userAgent == "relevo-health/\(Relevo.versionNumber)")
    #expect(configuration.drainDelay == .seconds(6) && configuration.drainTimeout == .zero)
    #expect(configuration.originKeepalive == 0)
    #expect(configuration.oldStandsIn)
  }

  @Test("one site can be checked alone, and the old server is asked by --old-host where that is given")
  func sites() throws {
    let old = try configuration("--old-health-path", "/", "--old-host", "old.example", "--health-host", "h")
    #expect(old.healthChecks?.new == nil)
    #expect(old.healthChecks?.old == HealthChecks.Target(path: "/", host: "old.example"))
    let new = try configuration("--health-path", "/")
    #expect(
      new.healthChecks?.new == HealthChecks.Target(path: "/", host: nil) && new.healthChecks?.old == nil)
  }

  @Test(
    "what is wrong is refused with what would be right",
    arguments: [
      ("--health-path", "index.html", "as in /index.html"), ("--health-path", "/a b", "as in /index.html"),
      ("--old-health-path", "/a\r\nX: y", "as in /index.html"),
      ("--health-interval", "99ms", "from 100ms to 1h"), ("--health-timeout", "2m", "from 10ms to 60s"),
      ("--health-expect", "ok", "write statuses"),
      ("--health-expect", "404,unreachable", "write statuses"),
      ("--health-rise", "0", "from 1 to 100"), ("--health-fall", "101", "from 1 to 100"),
      ("--health-host", "a/b", "is no host"),
    ])
  func refused(flag: String, value: String, reason: String) {
    #expect(refusal(by: HealthFlags.self, "\(flag)=\(value)")?.contains(reason) == true)
  }

  @Test("times of stopping and numbers of kept connections outside their ranges are refused with these")
  func ranges() {
    #expect(refusal(by: StoppingFlags.self, "--drain-timeout=2h")?.contains("from 0s to 1h") == true)
    #expect(refusal(by: StoppingFlags.self, "--drain-delay=-1s")?.contains("whole number") == true)
    #expect(refusal(by: LimitFlags.self, "--origin-keepalive=100001")?.contains("from 0 to 100000") == true)
  }
}
