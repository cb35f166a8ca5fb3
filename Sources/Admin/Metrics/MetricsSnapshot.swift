import Proxy
import TLS
import URLMap

/// What the metrics tell, as plain values of about one moment.
struct MetricsSnapshot: Sendable {
  var version: String
  /// Requests are served as they should be: what `/readyz` says.
  var isReady: Bool
  var isDraining: Bool
  var proxy: ProxyMetrics
  var sites: [SiteStatus]
  var origins: [OriginStatus]
  /// Those that are shown to clients and to origins.
  var certificates: [CertificateFacts]
  var map: URLMap.Statistics
  /// The most URLs that the map keeps.
  var mapLimit: Int
  /// Nil when the map is kept in memory only.
  var keeper: MapKeeper.Statistics?
  /// What the admin plane has refused.
  var adminRefusals: [RefusalReason: UInt64]
  var lastReload: SettingsInForce.LastReload
  /// Nil when the system does not tell.
  var process: ProcessFigures?

  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// The text that Prometheus scrapes (`text/plain; version=0.0.4`), in UTF-8. See `docs/metrics.md` for the names.
  var prometheusText: [UInt8] {
    var page = PrometheusText()
    writeService(into: &page)
    writeRequests(into: &page)
    writeCertificates(into: &page)
    writeOrigins(into: &page)
    writeMap(into: &page)
    if let keeper { keeper.write(into: &page) }
    process?.write(into: &page)
    return Array(page.text.utf8)
  }
}

extension MetricsSnapshot {
  /// Asks all of `subject`.
  init(_ subject: AdminSubject, adminRefusals: [RefusalReason: UInt64]) {
    self.init(
      version: subject.version, isReady: subject.notReady.isEmpty, isDraining: subject.proxy.isDraining,
      proxy: subject.proxy.metrics, sites: subject.proxy.sites, origins: subject.proxy.origins,
      certificates: subject.proxy.certificates, map: subject.map.statistics, mapLimit: subject.mapLimit,
      keeper: subject.mapFile?.keeper.statistics,
      adminRefusals: adminRefusals, lastReload: subject.settings.lastReload, process: .current())
  }
}
