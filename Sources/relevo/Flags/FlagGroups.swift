import ArgumentParser
import Logging
import Proxy
import URLMap

struct ListeningFlags: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: .flag(
      "Accept clients here; may be given several times. host:port, [v6]:port or unix:/path.",
      value: "address", default: Defaults.listen.flagText),
    transform: ListenAddress.init(flag:))
  var listen: [ListenAddress] = []

  @Option(
    help: .flag(
      "Run so many event loops, one thread each, from 1 to 256.", value: "count",
      default: "the processors that it may run on"),
    transform: CountArgument.within(1...256))
  var workers: Int?

  @Flag(
    help:
      "Take over from the Relevo that runs on these addresses, its map file too, without losing a request; it ends when it has answered what it has. Starts like any other when there is none. (default: off)"
  )
  var takeover = false
}

struct OriginFlags: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Ask this server of the new site first; may be given several times, and they take turns. http://host[:port] or https://host[:port][,weight=1 to 256][,max=requests at once][,id=name][,sni=name of its certificate].",
      valueName: "url"),
    transform: OriginAddress.init(flag:))
  var new: [OriginAddress] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Ask this server of the old site for what the new one does not have; may be given several times. The same URLs and options.",
      valueName: "url"),
    transform: OriginAddress.init(flag:))
  var old: [OriginAddress] = []

  @Option(
    help: .flag(
      "Send this Host to the old server; keep sends what the client sent.", value: "keep|host",
      default: Defaults.oldHost),
    transform: HostAndPort.hostField)
  var oldHost = Defaults.oldHost

  @Option(
    help: ArgumentHelp(
      "Give clients the pages of the old site themselves (proxy), or send those who read to the old site's own name, for pages that were seen there (redirect).",
      valueName: "proxy|redirect"))
  var oldMode = Defaults.oldMode

  @Option(
    name: .customLong("old-public-url"),
    help: .flag(
      "Send clients here in --old-mode redirect; their path and query are added. https://host[:port][/path].",
      value: "url", default: "none"),
    transform: OldPublicURLArgument.init(parsing:))
  var oldPublicURL: OldPublicURLArgument?

  @Option(
    help: .flag(
      "Redirect with this status: 301, 302, 307 or 308. Methods other than GET and HEAD are redirected with 307 and 308 only.",
      value: "status", default: Defaults.oldRedirectStatus.rawValue),
    transform: OldRedirect.Status.init(flag:))
  var oldRedirectStatus: OldRedirect.Status?

  @Option(
    help: .flag(
      "Resolve the names of origins again this often, from 100ms to 24h.", value: "time",
      default: Defaults.resolveEvery),
    transform: DurationArgument.from(.milliseconds(100), to: .hours(24)))
  var resolveEvery = Defaults.resolveEvery

  /// What the three flags of the old site's mode say together.
  func mode() throws(CommandFailure) -> OldMode {
    switch (oldMode, oldPublicURL) {
    case (.proxy, nil):
      if oldRedirectStatus != nil {
        throw CommandFailure(
          "--old-redirect-status is for --old-mode redirect: give both or none", code: .usage)
      }
      return .proxy
    case (.proxy, .some):
      throw CommandFailure("--old-public-url is for --old-mode redirect: give both or none", code: .usage)
    case (.redirect, nil):
      throw CommandFailure(
        "--old-mode redirect needs the old site's own name: --old-public-url https://old.example.com",
        code: .usage)
    case (.redirect, .some(let url)):
      return .redirect(
        OldRedirect(
          status: oldRedirectStatus ?? Defaults.oldRedirectStatus, scheme: url.scheme,
          authority: url.authority,
          path: url.path))
    }
  }
}

struct FallbackFlags: ParsableArguments {
  @Option(
    help: .flag(
      "Ask the old server when the new one answers with one of these statuses; codes or classes, as in 404,410 or 4xx. With the word unreachable beside them it also stands in, with what it has, while no server of the new site can answer; from that, and from a 5xx here, nothing is remembered.",
      value: "statuses", default: Defaults.fallbackOn),
    transform: FallbackArgument.init(parsing:))
  var fallbackOn = Defaults.fallbackOn

  @Option(
    help: .flag(
      "Remember a URL when the old server answers with one of these; a redirect to its home page is never remembered.",
      value: "statuses", default: Defaults.learnOn),
    transform: StatusesArgument.init(parsing:))
  var learnOn = Defaults.learnOn

  @Option(
    help: .flag(
      "Take these answers of the old server for 'not here either': the client gets the new site's own.",
      value: "statuses", default: Defaults.oldMissOn),
    transform: StatusesArgument.init(parsing:))
  var oldMissOn = Defaults.oldMissOn

  @Option(
    parsing: .upToNextOption,
    help: .flag(
      "Take a redirect of the old server to this path for 'not here either', as in / or /error.html; may be given several times. A query in the redirect only counts where the path has one, and after /.",
      value: "path", default: "none; a redirect to / reaches the client and is not remembered"),
    transform: MissPathArgument.init(parsing:))
  var oldMissRedirect: [MissPathArgument] = []

  @Option(
    help: .flag(
      "Take a 200 of the old server for 'not here either' when the first 64 KiB of its body have this text, byte for byte; may be given several times.",
      value: "text", default: "none"),
    transform: MissTextArgument.init(parsing:))
  var oldMissBody: [MissTextArgument] = []

  @Option(
    help: .flag(
      "Leave the old server alone for this long about a URL that neither site has, up to 24h; 0 asks it every time.",
      value: "time", default: Defaults.missTTL),
    transform: DurationArgument.from(.milliseconds(0), to: .hours(24)))
  var missTTL = Defaults.missTTL

  @Option(
    help: .flag(
      "Remember so many of these URLs at 8 bytes each, from 1024 to 16777216; past that the oldest go.",
      value: "count", default: Defaults.missMemory),
    transform: CountArgument.within(1024...16_777_216))
  var missMemory = Defaults.missMemory

  /// The answers of the old server that are misses without such a status.
  var softMisses: SoftMissRules {
    SoftMissRules(redirects: oldMissRedirect.map(\.path), bodies: oldMissBody.map(\.text))
  }
}

struct MapFlags: ParsableArguments {
  @Option(
    help: .flag(
      "Keep the URLs of the old site in this file, and start with what it holds.", value: "path",
      default: "none, in memory only"),
    transform: PathArgument.init(parsing:))
  var mapFile: PathArgument?

  @Option(
    help: .flag(
      "Write the map file this often when something was learned, from 100ms to 24h.", value: "time",
      default: Defaults.mapSnapshotEvery),
    transform: DurationArgument.from(.milliseconds(100), to: .hours(24)))
  var mapSnapshotEvery = Defaults.mapSnapshotEvery

  @Option(
    name: .customLong("map-max-urls"),
    help: .flag(
      "Remember at most so many URLs, from 1 to 100000000; past that the coldest go. A map file with more is refused.",
      value: "count",
      default: Defaults.mapMaxURLs),
    transform: CountArgument.within(1...100_000_000))
  var mapMaxURLs = Defaults.mapMaxURLs

  @Option(
    help: ArgumentHelp(
      "Tell URLs apart by these parts; with path-query a query never speaks for its bare path, with host-… hosts never speak for each other.",
      valueName: "parts"))
  var mapKey = Defaults.mapKey

  @Option(
    parsing: .upToNextOption,
    help: .flag(
      "Leave these query parameters out of what tells URLs apart, the servers get them all the same; utm_* is all that begin so, '*' the whole query, none nothing, and default the usual ones beside others.",
      value: "names", default: "utm_*, gclid, fbclid, msclkid, mc_cid, _ga and the like"),
    transform: IgnoreQueryArgument.init(parsing:))
  var ignoreQuery: [IgnoreQueryArgument] = []

  /// What all values of the flag add up to.
  var ignoredQuery: IgnoredQuery {
    get throws(CommandFailure) { try IgnoreQueryArgument.ignoredQuery(ignoreQuery) }
  }

  @Option(
    help: .flag(
      "Ask the new site once more for a URL that was learned this long ago, from 10ms to 8760h.",
      value: "time", default: Defaults.mapRecheckAfter),
    transform: DurationArgument.from(.milliseconds(10), to: .hours(8760)))
  var mapRecheckAfter = Defaults.mapRecheckAfter
}

struct ReplayFlags: ParsableArguments {
  @Option(
    help: .flag(
      "Keep so many bytes of a request's body in memory for a second sending, the rest in a file; up to 1g.",
      value: "size", default: "\(Defaults.replayMemory), or the replay limit where that is less"),
    transform: SizeArgument.from(.bytes(0), to: .gibibytes(1)))
  var replayMemory: SizeArgument?

  @Option(
    help: .flag(
      "Keep so many bytes of all bodies together in memory, shared evenly by the workers; up to 1024g.",
      value: "size", default: Defaults.replayMemoryTotal),
    transform: SizeArgument.from(.bytes(0), to: .gibibytes(1024)))
  var replayMemoryTotal = Defaults.replayMemoryTotal

  @Option(
    help: .flag(
      "Send a body of at most so many bytes a second time, up to 1024g; a longer one gets the new site's answer.",
      value: "size", default: Defaults.replayLimit),
    transform: SizeArgument.from(.bytes(0), to: .gibibytes(1024)))
  var replayLimit = Defaults.replayLimit

  /// `replayMemory` with its default, which never exceeds the limit.
  var memory: SizeArgument { replayMemory ?? min(Defaults.replayMemory, replayLimit) }
}

struct LimitFlags: ParsableArguments {
  @Option(
    help: .flag(
      "Close a client that takes longer than this for a request's head, from 10ms to 1h.", value: "time",
      default: Defaults.headerTimeout),
    transform: DurationArgument.from(.milliseconds(10), to: .hours(1)))
  var headerTimeout = Defaults.headerTimeout

  @Option(
    help: .flag(
      "Take an origin for unreachable when it has not accepted a connection after this, from 10ms to 5m.",
      value: "time", default: Defaults.connectTimeout),
    transform: DurationArgument.from(.milliseconds(10), to: .minutes(5)))
  var connectTimeout = Defaults.connectTimeout

  @Option(
    help: .flag(
      "Wait this long for the head of an origin's answer, from 10ms to 24h.", value: "time",
      default: Defaults.responseTimeout),
    transform: DurationArgument.from(.milliseconds(10), to: .hours(24)))
  var responseTimeout = Defaults.responseTimeout

  @Option(
    help: .flag(
      "Close a connection on which no byte has moved for this long, from 10ms to 24h.", value: "time",
      default: Defaults.idleTimeout),
    transform: DurationArgument.from(.milliseconds(10), to: .hours(24)))
  var idleTimeout = Defaults.idleTimeout

  @Option(
    help: .flag(
      "Close an upgraded connection (WebSocket) on which no byte has moved for this long, from 10ms to 168h.",
      value: "time", default: Defaults.tunnelTimeout),
    transform: DurationArgument.from(.milliseconds(10), to: .hours(168)))
  var tunnelTimeout = Defaults.tunnelTimeout

  @Option(
    help: .flag(
      "Serve so many clients at once, from 1 to 1000000; more wait.", value: "count",
      default: "what the limit on open files carries, a third of it, at most 65536"),
    transform: CountArgument.within(1...1_000_000))
  var maxConnections: Int?

  @Option(
    help: .flag(
      "Keep at most so many idle connections to each server and event loop for requests to come, from 0 to 100000.",
      value: "count", default: Defaults.originKeepalive),
    transform: CountArgument.within(0...100_000))
  var originKeepalive = Defaults.originKeepalive

  @Flag(
    inversion: .prefixedNo, exclusivity: .chooseLast,
    help: "Let the kernel move long answers from the origin to the client without copying them (splice).")
  var splice = true

  @Option(
    help: .flag(
      "Refuse a message head of more bytes than this, from 1k to 1m.", value: "size",
      default: Defaults.maxHeaderBytes),
    transform: SizeArgument.from(.kibibytes(1), to: .mebibytes(1)))
  var maxHeaderBytes = Defaults.maxHeaderBytes

  @Option(
    help: .flag(
      "Refuse a message head of more field lines than this, from 8 to 4096.", value: "count",
      default: Defaults.maxHeaderFields),
    transform: CountArgument.within(8...4096))
  var maxHeaderFields = Defaults.maxHeaderFields
}

struct HeaderFlags: ParsableArguments {
  @Flag(
    inversion: .prefixedNo, exclusivity: .chooseLast,
    help:
      "Tell origins about the client in X-Forwarded-For, -Proto and -Host. Without it, only those of --trusted-proxies do."
  )
  var forwardedFor = true

  @Flag(
    help:
      "Tell origins about the client in Forwarded (RFC 7239) as well, behind what trusted proxies say there. (default: left out)"
  )
  var forwarded = false

  @Flag(
    inversion: .prefixedNo, exclusivity: .chooseLast,
    help: "Add Relevo to the Via field of requests.")
  var via = true

  @Flag(
    help:
      "Add X-Relevo-Route to answers: who answered and why, as in new, old-fallback, old-map or held. (default: left out)"
  )
  var debugHeaders = false
}
