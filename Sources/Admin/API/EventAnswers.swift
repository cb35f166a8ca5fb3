import Proxy

/// `GET /api/v1/misses` and `/api/v1/failures`, newest first.
struct EventsAnswer<Event: Encodable>: Encodable {
  let events: [Event]
}

struct MissAnswer: Encodable {
  let at: UInt32
  let method: String
  let host: String
  let url: String
  let newStatus: UInt16?
  let oldStatus: UInt16?
  let referer: String?
  let reason: String

  init(_ miss: RecentMiss) {
    at = miss.at
    method = miss.method
    host = miss.host
    url = miss.url
    newStatus = miss.newStatus
    oldStatus = miss.oldStatus
    referer = miss.referer
    reason = miss.reason.rawValue
  }
}

struct FailureAnswer: Encodable {
  let at: UInt32
  let event: String
  let message: String
  let cause: String?
  let origin: String?
  let site: String?
  let url: String?

  init(_ failure: RecentFailure) {
    at = failure.at
    event = failure.event
    message = failure.message
    cause = failure.cause
    origin = failure.origin
    site = failure.site?.rawValue
    url = failure.url
  }
}
