import ArgumentParser
import EventLoop
import HTTP1
import Proxy
import URLMap

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Starts two small websites and Relevo in front of them, and says what to try.",
    discussion: """
      Everything runs in this process and on 127.0.0.1. Nothing is kept. Control-C
      ends it.
      """)

  @Option(
    help: .flag(
      "Serve on this port of 127.0.0.1, from 1 to 65535.", value: "port", default: Defaults.demoPort),
    transform: CountArgument.within(1...65_535))
  var port = Defaults.demoPort

  func run() throws {
    let signals = try StopSignals(onUserSignal: {}, onHangUp: nil)
    let newSite = try DemoOrigin(.new, asked: Self.show(.new))
    let oldSite = try DemoOrigin(.old, asked: Self.show(.old))
    let map = URLMap(URLMap.Configuration(maxURLs: 10_000))
    let server = ProxyServer(
      try configuration(newPort: newSite.port, oldPort: oldSite.port), map: map, accessLog: nil,
      logger: LineLogHandler.logger(LogThreshold(.warning)))
    do {
      try server.start()
    } catch {
      if case .addressInUse(let address) = error {
        throw CommandFailure(
          "\(address) is in use by another process: choose another port with relevo demo --port",
          code: error.exitCode)
      }
      throw CommandFailure(error.description, code: error.exitCode)
    }
    StandardStream.output.write(welcome(newPort: newSite.port, oldPort: oldSite.port))
    signals.waitForStop()
    server.stop()
    map.shutdown()
  }

  private func configuration(newPort: UInt16, oldPort: UInt16) throws -> ProxyConfiguration {
    var configuration = ProxyConfiguration(
      listeners: [.tcp(host: "127.0.0.1", port: UInt16(clamping: port))],
      newServers: [OriginAddress(host: "127.0.0.1", port: newPort)],
      oldServers: [OriginAddress(host: "127.0.0.1", port: oldPort)],
      workers: 1,
      fallbackOn: try StatusSet(parsing: "404"), learnOn: try StatusSet(parsing: "2xx"),
      oldMissOn: try StatusSet(parsing: "404"))
    configuration.debugHeaders = true
    configuration.maxConnections = min(1000, DescriptorLimit.raised().connections)
    return configuration
  }

  /// One line for each request that reaches a site: what Relevo asks, and what it does not.
  private static func show(_ site: DemoSite) -> @Sendable (String, String, Int) -> Void {
    { method, target, status in
      StandardStream.output.write("  the \(site.name) site was asked  \(method) \(target)  \(status)\n")
    }
  }

  private func welcome(newPort: UInt16, oldPort: UInt16) -> String {
    let url = "http://localhost:\(port)"
    return """
      Relevo is at \(url), in front of
        the new site   http://127.0.0.1:\(newPort)
        the old site   http://127.0.0.1:\(oldPort)

      Open \(url)/ in a browser, or try these and look at X-Relevo-Route:
        curl -i \(url)/                new: the new site has this page
        curl -i \(url)\(DemoSite.onlyOld)   old-fallback: only the old site has it
        curl -i \(url)\(DemoSite.onlyOld)   old-map: the second time new is not asked
        curl -i \(url)\(DemoSite.nowhere)    held: neither has it, you get new's 404

      Control-C ends it. What the two sites are asked from here on:

      """
  }
}
