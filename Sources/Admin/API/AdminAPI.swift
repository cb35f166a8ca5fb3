import EventLoop
import Glibc
import Proxy
import URLMap

/// Answers what the router lets through. Used on the admin plane's loop; what it hands to other threads is `Sendable`.
struct AdminAPI: Sendable {
  let subject: AdminSubject
  let traffic: TrafficRecorder
  private let refusals: RefusalLog
  private let trees: TreeCache

  init(_ subject: AdminSubject, traffic: TrafficRecorder, refusals: RefusalLog) {
    self.subject = subject
    self.traffic = traffic
    self.refusals = refusals
    trees = TreeCache(map: subject.map)
  }

  /// - Parameter method: one of the resource's.
  func reply(
    to request: AdminRequest, for resource: Resource, method: String
  ) throws(Refusal) -> Reply {
    var parameters = try Parameters(request.query)
    let map = MapResources(subject, trees)
    switch resource {
    case .dashboard:
      return .now(
        HTTPServerResponse(
          headers: [
            ("Content-Type", HTTPServerResponse.html),
            ("Content-Security-Policy", Dashboard.contentSecurityPolicy),
          ], body: Dashboard.page))
    case .health:
      // Whoever probes may add what its tool adds.
      return .now(HTTPServerResponse(text: "ok\n"))
    case .readiness: return .now(readiness)
    case .metrics:
      // Prometheus may be told to send parameters.
      return .now(
        HTTPServerResponse(
          headers: [("Content-Type", MetricsSnapshot.contentType)],
          body: MetricsSnapshot(subject, adminRefusals: refusals.totals).prometheusText))
    case .openAPI:
      try parameters.end()
      return .now(
        HTTPServerResponse(
          headers: [("Content-Type", HTTPServerResponse.json)], body: OpenAPIDocument.bytes))
    case .status:
      try parameters.end()
      return .now(HTTPServerResponse(json: StatusAnswer(subject, now: SystemClock.now)))
    case .traffic:
      let hours = try parameters.count("hours", in: 1...24, default: 24)
      try parameters.end()
      return .now(HTTPServerResponse(json: traffic.answer(hours: hours)))
    case .origins:
      try parameters.end()
      return .now(HTTPServerResponse(json: OriginsResource(subject, traffic).all))
    case .origin(let id):
      try parameters.end()
      return .now(
        HTTPServerResponse(json: try OriginsResource(subject, traffic).change(id, to: request.body)))
    case .mapEntries: return .now(try map.entries(&parameters))
    case .mapURL:
      switch method {
      case "PUT": return .work(try map.learn(&parameters))
      case "DELETE": return .work(try map.forget(&parameters))
      default: return .now(try map.lookup(&parameters))
      }
    case .mapPrefix: return .work(try map.forgetPrefix(&parameters))
    case .mapTree: return .work(try map.tree(&parameters))
    case .mapTop: return .work(try map.top(&parameters))
    case .mapSearch: return .work(try map.search(&parameters))
    case .mapSnapshot: return .now(try map.snapshot(&parameters))
    case .mapExport: return try map.export(&parameters)
    case .misses:
      let limit = try parameters.count("limit", in: 1...500, default: 100)
      try parameters.end()
      let events = subject.proxy.recentMisses(limit: limit).map(MissAnswer.init)
      return .now(HTTPServerResponse(json: EventsAnswer(events: events)))
    case .failures:
      let limit = try parameters.count("limit", in: 1...500, default: 100)
      try parameters.end()
      let events = subject.proxy.recentFailures(limit: limit).map(FailureAnswer.init)
      return .now(HTTPServerResponse(json: EventsAnswer(events: events)))
    }
  }

  private var readiness: HTTPServerResponse {
    let reasons = subject.notReady
    guard !reasons.isEmpty else { return HTTPServerResponse(text: "ready\n") }
    return HTTPServerResponse(status: 503, text: reasons.joined(separator: "\n") + "\n")
  }
}

enum SystemClock {
  /// Seconds since 1970.
  static var now: UInt32 { UInt32(truncatingIfNeeded: time(nil)) }
}
