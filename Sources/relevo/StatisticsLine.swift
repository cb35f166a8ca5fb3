import Logging
import Proxy

extension ProxyMetrics {
  /// The counters as the log shows them, on SIGUSR1 and at the end.
  var metadata: Logger.Metadata {
    var metadata: Logger.Metadata = ["log-lines-dropped": "\(logDroppedLines)"]
    for counter in ProxyCounter.allCases { metadata[counter.name] = "\(self[counter])" }
    for route in Route.allCases { metadata[route.label] = "\(requests(route))" }
    return metadata
  }
}
