/// Why the admin plane turns somebody away. The raw values are the words of the metrics.
enum RefusalReason: String, CaseIterable, Sendable {
  case unauthorized
  case foreignHost = "foreign-host"
  case missingHeader = "missing-header"
  case malformed
  case busy
  case connectionLimit = "connection-limit"
  case tooSlow = "too-slow"

  /// What was refused, in the words of the log.
  var words: String {
    switch self {
    case .unauthorized: "clients that did not say who they are"
    case .foreignHost: "requests for another host's name"
    case .missingHeader: "changes without X-Relevo-Admin"
    case .malformed: "requests that are malformed or too long"
    case .busy: "requests while too many others waited"
    case .connectionLimit: "connections, there were too many"
    case .tooSlow: "requests that came too slowly"
    }
  }
}

extension RefusalReason {
  /// Nil for what is refused to nobody in particular: a mistake in a request, or something that is not there.
  init?(_ refusal: Refusal) {
    switch refusal.status {
    case 401: self = .unauthorized
    case 403: self = refusal == AdminRouter.noIntent ? .missingHeader : .foreignHost
    case 503: self = .busy
    default: return nil
    }
  }
}
