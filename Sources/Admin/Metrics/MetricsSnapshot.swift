import Proxy
import URLMap

/// What the metrics tell, as plain values of about one moment.
public struct MetricsSnapshot: Sendable {
  public var version: String
  /// Requests are served as they should be: what `/readyz` says.
  public var isReady: Bool
  public var isDraining: Bool
  public var proxy: ProxyMetrics
  public var origins: [OriginStatus]
  public var map: URLMap.Statistics
  /// The most URLs that the map keeps.
  public var mapLimit: Int
  /// Nil when the map is kept in memory only.
  public var keeper: MapKeeper.Statistics?
  /// Bytes of access log lines that were dropped.
  public var logDroppedBytes: UInt64
  /// Nil when the system does not tell.
  public var process: ProcessFigures?

  public init(
    version: String, isReady: Bool, isDraining: Bool, proxy: ProxyMetrics, origins: [OriginStatus],
    map: URLMap.Statistics, mapLimit: Int, keeper: MapKeeper.Statistics?, logDroppedBytes: UInt64,
    process: ProcessFigures?
  ) {
    self.version = version
    self.isReady = isReady
    self.isDraining = isDraining
    self.proxy = proxy
    self.origins = origins
    self.map = map
    self.mapLimit = mapLimit
    self.keeper = keeper
    self.logDroppedBytes = logDroppedBytes
    self.process = process
  }

  /// The text that Prometheus scrapes (`text/plain; version=0.0.4`), in UTF-8. See `docs/metrics.md` for the names.
  public var prometheusText: [UInt8] {
    var page = PrometheusText()
    writeService(into: &page)
    writeRequests(into: &page)
    writeOrigins(into: &page)
    writeMap(into: &page)
    if let keeper { keeper.write(into: &page) }
    process?.write(into: &page)
    return Array(page.text.utf8)
  }
}
