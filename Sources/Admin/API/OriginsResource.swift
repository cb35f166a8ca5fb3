import EventLoop
import FoundationEssentials
import Proxy

/// The servers of both sites, shown and changed.
struct OriginsResource {
  private let subject: AdminSubject
  private let recent: ProxyMetrics

  init(_ subject: AdminSubject, _ traffic: TrafficRecorder) {
    self.subject = subject
    recent = traffic.recent
  }

  var all: OriginsAnswer {
    OriginsAnswer(
      sites: subject.proxy.sites.map(SiteAnswer.init),
      origins: subject.proxy.origins.map { OriginAnswer($0, latency: recent.latency(ofOrigin: $0.id)) })
  }

  /// Does what the body of a PATCH says.
  func change(_ id: String, to body: [UInt8]) throws(Refusal) -> OriginAnswer {
    let mode = try Self.mode(body)
    guard subject.proxy.setMode(mode, ofOrigin: id),
      let origin = subject.proxy.origins.first(where: { $0.id == id })
    else { throw .notFound("no server has the id '\(id)': /api/v1/origins lists them") }
    return OriginAnswer(origin, latency: recent.latency(ofOrigin: id))
  }

  private static func mode(_ body: [UInt8]) throws(Refusal) -> OriginMode {
    let right = "write {\"mode\": \"ready\"}, \"drain\" or \"off\""
    struct Wanted: Decodable { let mode: String }
    // Unknown members would be changes that are not made.
    guard let members = try? JSONDecoder().decode([String: String].self, from: Data(body)),
      members.count == 1, let mode = members["mode"].flatMap(OriginMode.init(_:))
    else { throw .badRequest("the body is not what a server can be changed by: \(right)") }
    return mode
  }
}

struct OriginsAnswer: Encodable {
  let sites: [SiteAnswer]
  let origins: [OriginAnswer]
}

struct SiteAnswer: Encodable {
  let site: String
  let queued: Int

  init(_ status: SiteStatus) {
    site = status.site.rawValue
    queued = status.queued
  }
}

struct OriginAnswer: Encodable {
  let id: String
  let site: String
  let authority: String
  let address: String
  let weight: Int
  let max: Int?
  let mode: String
  let state: String
  let check: String
  let checkMessage: String?
  let inFlight: Int
  let requests: UInt64
  let failures: UInt64
  let latency: LatencyAnswer?
  let since: Int

  init(_ origin: OriginStatus, latency: LatencyHistogram) {
    id = origin.id
    site = origin.site.rawValue
    authority = origin.authority
    address = origin.address
    weight = origin.weight
    max = origin.max
    mode = "\(origin.mode)"
    state = origin.condition.rawValue
    check = "\(origin.checked)"
    checkMessage = origin.checkMessage
    inFlight = origin.inFlight
    requests = origin.requests
    failures = origin.failures
    self.latency = LatencyAnswer(latency)
    since = origin.since
  }
}
