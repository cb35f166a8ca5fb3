import Addressing
import EventLoop
import HTTP1
import HTTP2
import URLMap

/// The configuration as a worker's hot path wants it: numbers in milliseconds, bytes instead of strings.
///
/// One object for all workers, so that to hold it costs one reference and not one for each of its parts. It never changes:
/// a reload makes another one, and each exchange holds on to the one that it began with.
final class Settings: Sendable {
  let decisions: DecisionTable
  let misses: MissMemory
  let headerMs: UInt64
  let connectMs: UInt64
  let responseMs: UInt64
  let idleMs: UInt64
  let tunnelMs: UInt64
  let recheckAge: RecheckAge
  let replayMemoryBytes: Int
  let replayLimitBytes: Int
  /// A worker's part of the memory for all bodies.
  let replayBudgetBytes: Int
  let balance: Balance
  let queueMs: UInt64
  let retries: Int?
  let retryBudgetPercent: Int
  let maxConnections: Int
  let originKeepalive: Int
  private let keys: KeyScheme
  let rules: PathRules
  let assetsFollowReferer: Bool
  let oldHost: [UInt8]?
  /// `oldHost` in its parts.
  let oldName: HostAndPort?
  /// What the flags say of cookies; nil when they say nothing.
  let cookies: CookieRules?
  let softMisses: SoftMissRules
  /// The texts of `softMisses` as bytes.
  let softMissTexts: [[UInt8]]
  /// Where clients are sent for pages of the old server; nil when they get the pages themselves.
  let oldRedirect: RedirectTarget?
  let encryption: Encryption
  let http2: HTTP2Limits
  let acceptsHTTP2Cleartext: Bool
  let splices: Bool
  let httpsRedirect: HTTPSRedirect?
  let strictTransport: StrictTransport?
  let debugHeaders: Bool
  let detailedMetrics: Bool
  let trustedProxies: TrustedProxies
  let acceptsProxyHeader: Bool
  let forwarding: ForwardingPolicy

  /// - Parameter former: what is in force, whose memory of misses goes on where the flags for it are the same.
  init(_ configuration: ProxyConfiguration, after former: Settings? = nil) {
    decisions = DecisionTable(
      fallbackOn: configuration.fallbackOn, learnOn: configuration.learnOn,
      oldMissOn: configuration.oldMissOn, oldStandsIn: configuration.oldStandsIn)
    misses = MissMemory.following(
      former?.misses, count: configuration.missMemory,
      lifetimeMs: configuration.missTTL.wholeMilliseconds)
    headerMs = configuration.timeouts.header.wholeMilliseconds
    connectMs = configuration.timeouts.connect.wholeMilliseconds
    responseMs = configuration.timeouts.response.wholeMilliseconds
    idleMs = configuration.timeouts.idle.wholeMilliseconds
    tunnelMs = configuration.timeouts.tunnel.wholeMilliseconds
    recheckAge = RecheckAge(
      meanSeconds: UInt32(clamping: configuration.mapRecheckAfter.wholeMilliseconds / 1000))
    replayMemoryBytes = configuration.replayMemoryBytes
    replayLimitBytes = configuration.replayLimitBytes
    replayBudgetBytes = configuration.replayMemoryTotalBytes / max(1, configuration.workers)
    balance = configuration.balance
    queueMs = configuration.queueTimeout.wholeMilliseconds
    retries = configuration.retries
    retryBudgetPercent = configuration.retryBudgetPercent
    maxConnections = configuration.maxConnections
    originKeepalive = configuration.originKeepalive
    keys = configuration.keys
    rules = configuration.rules
    assetsFollowReferer = configuration.assetsFollowReferer
    oldHost = configuration.oldHost.map { Array($0.utf8) }
    oldName = oldHost.map(HostAndPort.init)
    let (oldPrefix, sticky) = (configuration.oldCookiePrefix, configuration.stickyCookie)
    cookies =
      oldPrefix == nil && sticky == nil
      ? nil
      : CookieRules(oldPrefix: oldPrefix.map(OldCookiePrefix.init), sticky: sticky.map(StickyCookie.init))
    softMisses = configuration.softMisses
    softMissTexts = configuration.softMisses.bodies.map { Array($0.utf8) }
    switch configuration.oldMode {
    case .proxy: oldRedirect = nil
    case .redirect(let redirect): oldRedirect = RedirectTarget(redirect)
    }
    encryption = configuration.encryption
    http2 = configuration.http2
    acceptsHTTP2Cleartext = configuration.acceptsHTTP2Cleartext
    splices = configuration.splices
    httpsRedirect = configuration.httpsRedirect
    strictTransport = configuration.strictTransportSeconds.map(StrictTransport.init)
    debugHeaders = configuration.debugHeaders
    detailedMetrics = configuration.detailedMetrics
    trustedProxies = configuration.trustedProxies
    acceptsProxyHeader = configuration.acceptsProxyHeader
    forwarding = ForwardingPolicy(
      writesForwarded: configuration.writesForwarded,
      writesForwardedField: configuration.writesForwardedField, writesVia: configuration.writesVia)
  }
}

extension Settings {
  // Asked here, where the scheme is stored, it need not be copied.

  /// See ``KeyScheme/key(of:host:writingInto:)``.
  func key(of target: RawSpan, host: RawSpan, writingInto room: inout [UInt8]) -> KeyScheme.Key {
    keys.key(of: target, host: host, writingInto: &room)
  }

  /// See ``KeyScheme/spelling(of:host:writingInto:)``.
  func spelling(of target: RawSpan, host: RawSpan, writingInto room: inout [UInt8]) -> KeyScheme.Key {
    keys.spelling(of: target, host: host, writingInto: &room)
  }

  /// See ``KeyScheme/speaksForKey(_:host:)``.
  func speaksForKey(_ target: RawSpan, host: RawSpan) -> Bool { keys.speaksForKey(target, host: host) }
}

extension HeadLimits {
  init(_ configuration: ProxyConfiguration) {
    self.init(maxBytes: configuration.maxHeaderBytes, maxFields: configuration.maxHeaderFields)
  }

  /// A block holds the largest head, what forwarding adds to it, and as much body again.
  var blockBytes: Int { max(32 << 10, 2 * maxBytes + (4 << 10)) + 32 }
}
