/// Who answered a request, and why.
public enum Route: UInt8, CaseIterable, Sendable {
  /// The new pool.
  case new
  /// The new pool, since a rule keeps the old server from being asked.
  case newByRule
  /// The old server, after the new pool's miss.
  case oldAfterMiss
  /// The old server, as the URL map knew the URL.
  case oldFromMap
  /// The old server, since a rule says that it has the path.
  case oldByRule
  /// The old server, since one of its pages refers to the asset.
  case oldByReferer
  /// The old server, since no server of the new pool could answer.
  case oldAsStandby
  /// The new pool's miss or error, which was held while the old server was asked: that missed too, or failed.
  case held
  /// A redirect to the old site's own name.
  case oldRedirect
  /// Relevo itself: errors.
  case own

  /// As the log and `X-Relevo-Route` say it.
  var name: StaticString {
    switch self {
    case .new: "new"
    case .newByRule: "always-new"
    case .oldByRule: "always-old"
    case .oldByReferer: "old-referer"
    case .oldAsStandby: "old-standby"
    case .oldAfterMiss: "old-fallback"
    case .oldFromMap: "old-map"
    case .held: "held"
    case .oldRedirect: "old-redirect"
    case .own: "-"
    }
  }

  /// The same as a word for each, as metrics and the API name it.
  public var label: String {
    self == .own ? "own" : "\(name)"
  }

  /// The visitor got a page of the old site.
  public var leadsToOldSite: Bool {
    switch self {
    case .oldAfterMiss, .oldFromMap, .oldByRule, .oldByReferer, .oldAsStandby, .oldRedirect: true
    case .new, .newByRule, .held, .own: false
    }
  }
}

/// The hundreds of a status (RFC 9110, 15).
public enum StatusClass: Int, CaseIterable, Sendable {
  case informational, successful, redirection, clientError, serverError

  /// A status that is none of these counts as a server's error, as RFC 9110 has it.
  init(of status: UInt16) {
    self = StatusClass(rawValue: Int(status) / 100 - 1) ?? .serverError
  }

  /// `1xx` … `5xx`.
  public var label: String { "\(rawValue + 1)xx" }
}
