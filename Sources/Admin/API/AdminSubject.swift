import EventLoop
import Proxy
import URLMap

/// What the admin plane shows and changes.
public struct AdminSubject: Sendable {
  public var proxy: ProxyServer
  public var map: URLMap
  /// How a URL becomes a key of the map.
  public var keys: KeyScheme
  /// The most URLs that the map keeps.
  public var mapLimit: Int
  /// What keeps the map on the disk, and where; nil: it lives in memory only.
  public var mapFile: (keeper: MapKeeper, path: String)?
  public var version: String
  /// Seconds since 1970.
  public var startedAt: UInt32
  public var workers: Int
  public var settings: SettingsInForce

  public init(
    proxy: ProxyServer, map: URLMap, keys: KeyScheme, mapLimit: Int,
    mapFile: (keeper: MapKeeper, path: String)?, version: String, startedAt: UInt32,
    workers: Int,
    settings: SettingsInForce
  ) {
    self.proxy = proxy
    self.map = map
    self.keys = keys
    self.mapLimit = mapLimit
    self.mapFile = mapFile
    self.version = version
    self.startedAt = startedAt
    self.workers = workers
    self.settings = settings
  }

  /// Why no traffic should be sent here, a sentence each; empty: send it.
  var notReady: [String] {
    var reasons: [String] = []
    switch mapFile?.keeper.statistics.state {
    case .loading: reasons.append("the map file is being loaded")
    case .unusable: reasons.append("the map file can't be used")
    case .loaded, .stopped, nil: break
    }
    let new = proxy.origins.filter { $0.site == .new && $0.condition != .leaving }
    if new.isEmpty {
      reasons.append("it is starting")
    } else if new.allSatisfy({ $0.condition == .down || $0.condition == .off }) {
      reasons.append("no server of the new site is up")
    }
    if proxy.isDraining { reasons.append("it is draining") }
    return reasons
  }
}
