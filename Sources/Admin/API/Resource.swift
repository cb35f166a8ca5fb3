/// What has an address under the admin plane.
enum Resource: Equatable {
  case dashboard
  case health
  case readiness
  case metrics
  case openAPI
  case status
  case traffic
  case origins
  case origin(id: String)
  case mapEntries
  case mapURL
  case mapPrefix
  case mapTree
  case mapTop
  case mapSearch
  case mapSnapshot
  case mapExport
  case misses
  case failures

  /// - Parameter path: its segments.
  init?(path: [String]) {
    switch path {
    case []: self = .dashboard
    case ["healthz"]: self = .health
    case ["readyz"]: self = .readiness
    case ["metrics"]: self = .metrics
    case ["openapi.json"]: self = .openAPI
    case ["api", "v1", "status"]: self = .status
    case ["api", "v1", "traffic"]: self = .traffic
    case ["api", "v1", "misses"]: self = .misses
    case ["api", "v1", "failures"]: self = .failures
    case ["api", "v1", "origins"]: self = .origins
    case ["api", "v1", "map"]: self = .mapEntries
    case ["api", "v1", "map", "url"]: self = .mapURL
    case ["api", "v1", "map", "prefix"]: self = .mapPrefix
    case ["api", "v1", "map", "tree"]: self = .mapTree
    case ["api", "v1", "map", "top"]: self = .mapTop
    case ["api", "v1", "map", "search"]: self = .mapSearch
    case ["api", "v1", "map", "snapshot"]: self = .mapSnapshot
    case ["api", "v1", "map", "export"]: self = .mapExport
    default:
      guard path.count == 4, path[..<3] == ["api", "v1", "origins"], !path[3].isEmpty else { return nil }
      self = .origin(id: path[3])
    }
  }

  /// Whether it holds nothing that only operators may see.
  var isPublic: Bool {
    switch self {
    case .dashboard, .health, .readiness: true
    case .metrics, .openAPI, .status, .traffic, .origins, .origin, .mapEntries, .mapURL, .mapPrefix, .mapTree,
      .mapTop, .mapSearch, .mapSnapshot, .mapExport, .misses, .failures:
      false
    }
  }

  /// HEAD goes with GET.
  var methods: [String] {
    switch self {
    case .dashboard, .health, .readiness, .metrics, .openAPI, .status, .traffic, .origins, .mapEntries,
      .mapTree,
      .mapTop, .mapSearch, .mapExport, .misses, .failures:
      ["GET"]
    case .origin: ["PATCH"]
    case .mapURL: ["GET", "PUT", "DELETE"]
    case .mapPrefix: ["DELETE"]
    case .mapSnapshot: ["POST"]
    }
  }

  /// The method that answers to `method`; nil when none does.
  func method(_ method: String) -> String? {
    let answering = method == "HEAD" ? "GET" : method
    return methods.contains(answering) ? answering : nil
  }
}
