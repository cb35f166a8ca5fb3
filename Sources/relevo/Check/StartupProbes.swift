import EventLoop
import Logging
import Proxy
import TLS

/// The question that `serve` puts to each server at its start, beside its work: does it answer a miss for a page that
/// does not exist? What `relevo check` would call a problem or a warning is a warning in the log.
///
/// The requests go out from a thread of their own and not through the proxy: neither the map nor the memory of misses nor
/// the access log learns of them.
struct StartupProbes: Sendable {
  private static let timeout = Duration.seconds(5)

  let new: [OriginAddress]
  let old: [OriginAddress]
  let oldHost: String?
  /// For servers of https:// URLs.
  let tls: TLSClientContext?
  let rules: MissRules
  let logger: Logger

  /// Returns at once.
  func begin() {
    let thread = try? LoopThread(name: "probes") { run() }
    thread?.detach()
  }

  private func run() {
    guard let inquiry = try? Inquiry(timeout: Self.timeout, purpose: "probe at the start", tls: tls) else {
      return
    }
    // Names that do not resolve have kept the server from starting already.
    let servers =
      new.flatMap { (try? CheckedServer.behind($0, role: .new, host: nil)) ?? [] }
      + old.flatMap { (try? CheckedServer.behind($0, role: .old, host: oldHost)) ?? [] }
    let path = ProbePaths().missing[0]
    for (server, replies) in zip(servers, inquiry.ask(servers.map { ($0, [path]) })) {
      for reply in replies { tell(reply, of: server) }
    }
  }

  private func tell(_ reply: Reply, of server: CheckedServer) {
    let kind = MissingPage(reply, of: server, rules: rules)
    let finding = MissingPageFindings(
      server: server, example: reply.target, isApplication: PageText.isApplication(reply.text)
    ).finding(kind)
    let sentence = "\(finding.subject) \(finding.sentence)"
    switch (finding.mark, kind) {
    case (.ok, _): logger.debug("\(sentence)")
    case (_, .redirectToHost(let host)):
      // The public name is not known here, and most sites redirect to it.
      logger.info(
        "\(sentence); whether it answers 404 for what it does not have, relevo check --public-host \(shellWord(host)) tells"
      )
    default: logger.warning("\(sentence)", metadata: ["remedy": "\(finding.remedy ?? "")"])
    }
  }
}
