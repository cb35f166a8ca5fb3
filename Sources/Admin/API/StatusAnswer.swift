import EventLoop
import Proxy
import URLMap

/// `GET /api/v1/status`.
struct StatusAnswer: Encodable {
  struct Map: Encodable {
    let state: String
    let urls: Int
    let limit: Int
    let file: String?
    let key: String
    let lastSnapshot: Snapshot?
    let snapshotFailures: UInt64?
    let journalled: UInt64?
  }

  struct Snapshot: Encodable {
    let at: UInt32
    /// Seconds.
    let took: Double
    let urls: Int
  }

  let version: String
  let startedAt: UInt32
  let uptime: UInt32
  let workers: Int
  let ready: Bool
  let notReady: [String]
  let draining: Bool
  let map: Map
  let settings: [String: String?]

  /// - Parameter now: seconds since 1970.
  init(_ subject: AdminSubject, now: UInt32) {
    version = subject.version
    startedAt = subject.startedAt
    uptime = now > subject.startedAt ? now - subject.startedAt : 0
    workers = subject.workers
    notReady = subject.notReady
    ready = notReady.isEmpty
    draining = subject.proxy.isDraining
    let figures = subject.mapFile?.keeper.statistics
    map = Map(
      state: figures.map { "\($0.state)" } ?? "memory", urls: subject.map.count, limit: subject.mapLimit,
      file: subject.mapFile?.path, key: subject.keys.parts.rawValue,
      lastSnapshot: figures?.lastSnapshot.map { last in
        Snapshot(at: last.at, took: last.took / .seconds(1), urls: last.urls)
      },
      snapshotFailures: figures?.snapshotFailures, journalled: figures?.journalled)
    settings = subject.settings.flags
  }
}
