/// What a server of a site is at a moment, as plain values.
public struct OriginStatus: Sendable, Equatable {
  public var id: String
  public var site: Site
  /// `host` or `host:port` as the operator wrote it.
  public var authority: String
  /// The address and port, as in `10.0.0.2:80` or `[::1]:80`.
  public var address: String
  public var weight: Int
  /// Requests that it serves at once; nil when there is no bound.
  public var max: Int?
  public var mode: OriginMode
  public var checked: CheckedHealth
  /// What the last active check has seen, in words; nil when nobody checks it, or no check has ended yet.
  public var checkMessage: String?
  public var condition: OriginCondition
  /// Requests under way with it, upgraded connections included.
  public var inFlight: Int
  /// Requests handed to it since it is known.
  public var requests: UInt64
  /// Of these, the ones that it failed: no connection, a broken one, no answer in time, a malformed one.
  public var failures: UInt64
  /// When ``mode``, ``checked`` or ``condition`` changed last, in seconds since 1970.
  public var since: Int
}

/// What is about a site as a whole at a moment, as plain values.
public struct SiteStatus: Sendable, Equatable {
  public var site: Site
  /// Requests that wait for a place at any one of its servers.
  public var queued: Int

  public init(site: Site, queued: Int) {
    self.site = site
    self.queued = queued
  }
}

/// What ``OriginMode``, ``CheckedHealth`` and the requests' own experience come to.
public enum OriginCondition: String, Sendable, CaseIterable {
  /// It takes its share.
  case up
  /// It answers again after a pause, or the operator or the checks brought it back: its share grows.
  case slowStart = "slow-start"
  /// Requests have failed there: it gets none for a while, then one that tries it.
  case paused
  /// Active checks fail.
  case down
  /// The operator lets it take no new visitors.
  case draining
  /// The operator lets it take no requests.
  case off
  /// A reload or its name has taken it out: it gets no requests, and is gone when those under way have ended.
  case leaving
}
