import Addressing
import HTTP1
import HTTP2
import TLS
import URLMap

/// Everything that decides how Relevo serves. ``ProxyServer/reload(_:)`` changes it while Relevo does, but for what
/// ``fixed(as:)`` keeps.
public struct ProxyConfiguration: Sendable {
  /// Where clients connect.
  public var listeners: [ListenAddress]
  /// Where clients connect with TLS; see ``encryption``.
  public var tlsListeners: [ListenAddress] = []
  /// The certificates for those, and what https origins are spoken to with.
  public var encryption = Encryption()
  /// What one connection that speaks HTTP/2 may have Relevo keep and do.
  public var http2 = HTTP2Limits()
  /// Clients without TLS may begin with HTTP/2 at once (RFC 9113, 3.3).
  public var acceptsHTTP2Cleartext = false
  /// Clients without TLS are sent to the same URL with it.
  public var httpsRedirect: HTTPSRedirect?
  /// What clients with TLS are told to do for how many seconds: use nothing else (RFC 6797). Nil tells them nothing.
  public var strictTransportSeconds: Int?
  /// The servers of the new site, asked first and in turn.
  public var newServers: [OriginAddress]
  /// The servers of the site being left, asked when the new pool misses.
  public var oldServers: [OriginAddress]
  /// Event loops, one thread each. 1 or more.
  public var workers: Int
  /// Answers of the new pool that send a request on to the old server.
  public var fallbackOn: StatusSet
  /// The old server is asked for what the whole new pool cannot answer; nothing is learned from that.
  public var oldStandsIn = false
  /// Answers of the old server that put a URL into the map.
  public var learnOn: StatusSet
  /// Answers of the old server that mean "not here either".
  public var oldMissOn: StatusSet
  /// Answers of the old server that mean the same without such a status.
  public var softMisses = SoftMissRules()
  /// How a request's key in the map is made.
  public var keys: KeyScheme
  /// Mean age after which the next visit of a known URL asks the new pool first, in whole seconds: see `RecheckAge`.
  public var mapRecheckAfter: Duration
  /// How long a URL that both sites missed is not asked of the old server again. Zero turns this off.
  public var missTTL: Duration
  /// How many such URLs are remembered, 8 bytes each.
  public var missMemory: Int
  /// Paths that are always asked of one site.
  public var rules: PathRules
  /// An image, a style, a script or a font that a page of the old site refers to is asked of the old server first.
  public var assetsFollowReferer: Bool
  /// Bytes of a request body kept in memory for a replay; what is longer goes to an unlinked file.
  public var replayMemoryBytes: Int
  /// Bytes of all request bodies together that are kept so; shared evenly by the workers. Past it a body goes to its file.
  public var replayMemoryTotalBytes = 64 << 20
  /// Bytes of a request body that can be replayed at all.
  public var replayLimitBytes: Int
  /// How the servers of a site share its requests.
  public var balance: Balance
  /// Failures of one server in a row after which it gets no requests for a while. 1 to 100.
  public var originFailures: Int
  /// How long that is at first; twice as long each time that the server fails again, up to ``originPauseMax``, and a
  /// quarter more or less at random.
  public var originPause: Duration
  public var originPauseMax: Duration
  /// How long the share of a server that is back takes to grow from a tenth to its whole. Zero turns this off.
  public var slowStart: Duration
  /// Requests of each site that wait at once while its servers serve their maximum. 0 lets none wait.
  public var queueLength: Int
  /// How long they wait at most.
  public var queueTimeout: Duration
  /// How often a request is sent again to a server, or another, that failed; nil sets no bound but the servers, each
  /// of which is asked once.
  public var retries: Int?
  /// Of the requests of about the last ten seconds, how many may be sent again, in hundredths, beside ten a second that
  /// each worker always may.
  public var retryBudgetPercent: Int
  public var timeouts: Timeouts
  /// Client connections of the whole process; more wait in the kernel's backlog.
  public var maxConnections: Int
  /// Bytes of one message head, request or answer.
  public var maxHeaderBytes: Int
  /// Field lines of one message head.
  public var maxHeaderFields: Int
  /// The proxies before Relevo whose word about their clients is believed: in X-Forwarded fields and, where it is
  /// accepted, in the PROXY header.
  public var trustedProxies = TrustedProxies.none
  /// Each client connection begins with a header of the PROXY protocol, which says who the client is; one without is
  /// closed. When there are trusted proxies, only they may send it.
  public var acceptsProxyHeader = false
  /// Write `X-Forwarded-For`, `-Proto` and `-Host`.
  public var writesForwarded: Bool
  /// Write `Forwarded` (RFC 7239).
  public var writesForwardedField = false
  /// Write `Via` into requests (RFC 9110, 7.6.3).
  public var writesVia: Bool
  /// The `Host` that the old server is sent; nil sends what the client sent.
  public var oldHost: String?
  /// What the names of the old server's cookies begin with at the client: a token that begins with a letter or a digit. With
  /// it both sites may set cookies of one name. Nil leaves names as they are, and every cookie goes to both sites.
  public var oldCookiePrefix: String?
  /// The cookie that keeps a session on its server of the new pool: a token (RFC 6265, 4.1.1). Nil lets the balance decide
  /// about each request.
  public var stickyCookie: String?
  /// What a client gets whose page is on the old server.
  public var oldMode = OldMode.proxy
  /// Long answers move from socket to socket inside the kernel, where it can do that.
  public var splices = true
  /// Add `X-Relevo-Route` to answers.
  public var debugHeaders: Bool
  /// Keep latencies, how late the loops are, and the newest misses and failures, for somebody to look at. What is only
  /// counted is counted always.
  public var detailedMetrics: Bool
  /// How often the names of origins are resolved again.
  public var resolveEvery: Duration
  /// Connections to each server that every worker keeps for requests to come; 0 keeps none.
  public var originKeepalive = 512
  /// How servers are checked beside their work; nil leaves it to the requests to find out.
  public var healthChecks: HealthChecks?
  /// How long clients are still accepted once it is to stop, for load balancers to notice that it is not ready.
  public var drainDelay = Duration.zero
  /// How long after that what is under way has to end.
  public var drainTimeout = Duration.seconds(10)

  /// This configuration, with what a running server can't change as it is there: addresses and threads, what memory was
  /// measured for, and how the keys of the map are made.
  func fixed(as running: ProxyConfiguration) -> ProxyConfiguration {
    var configuration = self
    configuration.listeners = running.listeners
    configuration.tlsListeners = running.tlsListeners
    // Their clients need one, whatever became of its flag.
    configuration.encryption.clients = encryption.clients ?? running.encryption.clients
    configuration.workers = running.workers
    configuration.maxHeaderBytes = running.maxHeaderBytes
    configuration.maxHeaderFields = running.maxHeaderFields
    configuration.keys = running.keys
    configuration.detailedMetrics = running.detailedMetrics
    return configuration
  }

  /// Time limits. Each ends the connection it is about, never the process.
  public struct Timeouts: Sendable {
    /// From the first byte of a request's head to its last.
    public var header: Duration
    /// Until an origin has accepted a connection.
    public var connect: Duration
    /// From the end of a request to the head of the origin's answer.
    public var response: Duration
    /// Without a byte moving on a kept or transferring connection.
    public var idle: Duration
    /// Without a byte moving either way through an upgraded connection.
    public var tunnel: Duration

    public init(
      header: Duration = .seconds(10), connect: Duration = .seconds(5), response: Duration = .seconds(60),
      idle: Duration = .seconds(60), tunnel: Duration = .seconds(3600)
    ) {
      self.header = header
      self.connect = connect
      self.response = response
      self.idle = idle
      self.tunnel = tunnel
    }
  }

  public init(
    listeners: [ListenAddress], newServers: [OriginAddress], oldServers: [OriginAddress], workers: Int,
    fallbackOn: StatusSet, learnOn: StatusSet, oldMissOn: StatusSet
  ) {
    self.listeners = listeners
    self.newServers = newServers
    self.oldServers = oldServers
    self.workers = workers
    self.fallbackOn = fallbackOn
    self.learnOn = learnOn
    self.oldMissOn = oldMissOn
    keys = KeyScheme()
    mapRecheckAfter = .seconds(24 * 3600)
    missTTL = .seconds(60)
    missMemory = 262_144
    rules = .none
    assetsFollowReferer = false
    replayMemoryBytes = 1 << 20
    replayLimitBytes = 64 << 20
    balance = .roundRobin
    originFailures = 3
    originPause = .seconds(1)
    originPauseMax = .seconds(60)
    slowStart = .seconds(10)
    queueLength = 1024
    queueTimeout = .seconds(5)
    retries = nil
    retryBudgetPercent = 20
    timeouts = Timeouts()
    maxConnections = 10_000
    maxHeaderBytes = 16 << 10
    maxHeaderFields = 128
    writesForwarded = true
    writesVia = true
    oldHost = nil
    debugHeaders = false
    detailedMetrics = false
    resolveEvery = .seconds(30)
  }
}
