import HTTP1

/// How servers are asked, beside their work, whether they can do it: active health checks. Off where a site has no
/// target.
public struct HealthChecks: Sendable, Equatable {
  public static let intervals = Duration.milliseconds(100)...Duration.seconds(3600)
  public static let timeouts = Duration.milliseconds(10)...Duration.seconds(60)
  /// Of ``rise`` and ``fall``.
  public static let rows = 1...100

  /// What the servers of a site are asked for.
  public struct Target: Sendable, Equatable {
    /// Path and query; begins with a slash.
    public var path: String
    /// The `Host` of the request; nil sends the server's own name.
    public var host: String?

    public init(path: String, host: String? = nil) {
      self.path = path
      self.host = host
    }
  }

  /// Of the new site's servers; nil leaves them alone.
  public var new: Target?
  /// Of the old site's.
  public var old: Target?
  /// From the beginning of one check of a server to the beginning of the next. Within ``intervals``.
  public var interval: Duration = .seconds(5)
  /// From a check's connection to the last byte of its answer. Within ``timeouts``.
  public var timeout: Duration = .seconds(2)
  /// The answers of a server that can do its work.
  public var expect: StatusSet
  /// So many passed in a row take a server that is down for up again. Within ``rows``.
  public var rise = 2
  /// So many failed in a row take a server that is up for down. Within ``rows``.
  public var fall = 3
  /// How the servers' logs name the one who asks.
  public var userAgent: String

  public init(new: Target?, old: Target?, expect: StatusSet, userAgent: String) {
    self.new = new
    self.old = old
    self.expect = expect
    self.userAgent = userAgent
  }

  func target(of site: Site) -> Target? {
    switch site {
    case .new: new
    case .old: old
    }
  }
}
