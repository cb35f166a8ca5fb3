import Proxy
import URLMap

extension MetricsSnapshot {
  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// Of this moment.
  init(_ subject: AdminSubject) {
    self.init(
      version: subject.version, isReady: subject.notReady.isEmpty, isDraining: subject.proxy.isDraining,
      proxy: subject.proxy.metrics, origins: subject.proxy.origins, map: subject.map.statistics,
      mapLimit: subject.mapLimit, keeper: subject.mapFile?.keeper.statistics,
      logDroppedBytes: subject.accessLog?.droppedBytes ?? 0, process: .current())
  }
}
