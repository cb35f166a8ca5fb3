import Admin
import ArgumentParser
import EventLoop
import Glibc
import Logging
import Proxy
import URLMap

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serves clients from the new site, and from the old one what the new one does not have.",
    usage: "relevo serve --new URL... --old URL... [flags]",
    discussion: HelpPages.serve)

  @OptionGroup(title: "Configuration") var settingsSource: ConfigurationFlags
  @OptionGroup(title: "Listening") var listening: ListeningFlags
  @OptionGroup(title: "TLS with clients") var tls: TLSFlags
  @OptionGroup(title: "HTTP/2") var http2: HTTP2Flags
  @OptionGroup(title: "Clients") var clients: ClientFlags
  @OptionGroup(title: "Origins") var origins: OriginFlags
  @OptionGroup(title: "TLS with origins") var originTLS: OriginTLSFlags
  @OptionGroup(title: "Several servers") var balance: BalanceFlags
  @OptionGroup(title: "Health checks") var health: HealthFlags
  @OptionGroup(title: "Fallback") var fallback: FallbackFlags
  @OptionGroup(title: "Rules") var rules: RuleFlags
  @OptionGroup(title: "Cookies") var cookies: CookieFlags
  @OptionGroup(title: "URL map") var map: MapFlags
  @OptionGroup(title: "Replay") var replay: ReplayFlags
  @OptionGroup(title: "Limits and timeouts") var limits: LimitFlags
  @OptionGroup(title: "Stopping") var stopping: StoppingFlags
  @OptionGroup(title: "Logging") var logging: LoggingFlags
  @OptionGroup(title: "Headers") var headers: HeaderFlags
  @OptionGroup(title: "Admin plane") var admin: AdminFlags

  /// The checks that no flag can make alone. ArgumentParser's own `validate()` would come before its check for
  /// unknown flags, and blame a missing one for another's misspelling.
  ///
  /// - Parameter inherits: what may be there without its flag.
  func checkTogether(_ inherits: InheritedPlanes) throws(CommandFailure) {
    if origins.new.isEmpty {
      throw CommandFailure(
        "serve needs a server of the new site: --new http://host:port, or RELEVO_NEW in the environment",
        code: .usage)
    }
    if origins.old.isEmpty {
      throw CommandFailure(
        "serve needs the server of the old site: --old http://host:port, or RELEVO_OLD in the environment",
        code: .usage)
    }
    try OriginAddress.checkTogether(new: origins.new, old: origins.old)
    _ = try origins.mode()
    try tls.checkTogether(
      listensWithout: tls.tlsListen.isEmpty || !listening.listen.isEmpty, inheritsSocket: inherits.tls)
    try originTLS.checkTogether(origins.new + origins.old)
    try balance.checkTogether()
    if replay.memory > replay.replayLimit {
      throw CommandFailure(
        """
        --replay-memory is \(replay.memory) and --replay-limit \(replay.replayLimit): memory is part of the \
        limit, give at most \(replay.replayLimit)
        """, code: .usage)
    }
    _ = try map.ignoredQuery
    try cookies.checkTogether()
    try admin.checkTogether(inheritsSocket: inherits.admin)
  }

  func run() throws {
    if settingsSource.checkConfig { return try checkSettings() }
    let threshold = LogThreshold(logging.logLevel.level)
    let logger = LineLogHandler.logger(threshold)
    // As it is before the sockets' variables are taken out of it.
    let environment = ProcessEnvironment.variables
    for name in EnvironmentArguments.unknownVariables(in: environment) {
      logger.warning("\(name) is no variable of Relevo: relevo serve --help lists the flags")
    }
    var places = ListeningPlaces(
      listen: listening.listen, tlsListen: tls.tlsListen, admin: admin.admin,
      try SocketActivation(environment))
    let descriptors = DescriptorLimit.raised()
    var configuration = try proxyConfiguration(descriptors: descriptors)
    let encryption = try EncryptionFiles(keyLog: tls.tlsKeylog?.description, logger: logger)
    configuration.encryption = try encryption.read(self)
    configuration.tlsListeners = places.tlsClients
    configuration.listeners = places.clients
    let predecessor = try findPredecessor(places, logger: logger)
    if let predecessor { places.take(from: predecessor) }
    let manager = ServiceManager(
      environment, inheritedWatchdogMs: predecessor?.watchdogMs)
    // Whether the loops turn is what the watchdog is told.
    if manager.watchdogMs != nil || !places.admin.isEmpty { configuration.detailedMetrics = true }
    warnAboutDescriptors(descriptors, logger: logger)

    let memory = try URLMemory(map, from: predecessor, logger: logger)
    let accessLog = try openAccessLog(logger: logger)
    let server = ProxyServer(configuration, map: memory.map, accessLog: accessLog, logger: logger)
    let inForce = SettingsInForce(settings, at: SystemClock.now)
    let admin = try makeAdmin(
      server, memory, configuration, inForce, on: places.admin, logger: logger)
    let reloader = Reloader(
      Reloader.Subject(
        proxy: server, admin: admin, encryption: encryption, settings: inForce, threshold: threshold,
        descriptors: descriptors),
      arguments: Array(CommandLine.arguments.dropFirst()), environment: environment,
      servers: configuration, logger: logger)
    let signals = try StopSignals(
      onUserSignal: {
        memory.snapshotNow()
        do {
          var done = memory.file == nil ? [] : ["the map file is being written"]
          if try accessLog?.reopen() == true { done.append("the access log was opened again") }
          if !done.isEmpty { logger.info("SIGUSR1: \(done.joined(separator: ", "))") }
        } catch {
          logger.error("SIGUSR1: \(error); its lines go on into the file that was open")
        }
        logger.info("so far", metadata: server.metrics.metadata.merging(memory.metadata) { $1 })
      },
      onHangUp: reloader.begin)
    try predecessor?.awaitTurn()
    try start(admin, inheriting: places.inheritedForAdmin, logger: logger)
    do {
      try server.start(inheriting: places.inheritedForClients)
    } catch {
      throw CommandFailure(error.description, code: error.exitCode)
    }
    for (id, mode) in predecessor?.modes ?? [:] { _ = server.setMode(mode, ofOrigin: id) }
    places.closeRest(logger: logger)
    if logging.startupProbes {
      StartupProbes(
        new: configuration.newServers, old: configuration.oldServers, oldHost: configuration.oldHost,
        tls: configuration.encryption.origins, rules: try MissRules(fallback), logger: logger
      ).begin()
    }

    try memory.stopIfUnusable()
    try feedWatchdog(of: manager, server, signals)
    manager.tell(predecessor == nil ? .ready : .tookOver(processID: getpid()))
    if let predecessor {
      try predecessor.leave(passingOnTo: memory.map)
      memory.goOn()
      server.ownSockets()
      admin?.ownSockets()
    }
    let rendezvous = try Rendezvous(
      TakeoverSubject(proxy: server, admin: admin, memory: memory, watchdogMs: manager.watchdogMs),
      inheriting: predecessor?.rendezvous ?? [:], logger: logger, taken: { kill(getpid(), SIGTERM) })
    announce(server, configuration, logger: logger)
    signals.waitForStop()
    if let successor = rendezvous.close() {
      logger.info(
        "process \(successor.processID) has taken over: what is under way may finish, a signal ends it")
      admin?.leave(successor.addresses)
      server.stop(leaving: successor.addresses)
    } else {
      manager.tell(.stopping)
      memory.beginToStop()
      logger.info("stopping: what is under way may finish, a second signal ends it")
      server.stop()
    }
    memory.stop()
    admin?.stop()
    accessLog?.close()
    try memory.checkLoaded()
    logger.info("stopped", metadata: server.metrics.metadata.merging(memory.metadata) { $1 })
  }

  /// Lets the service manager know that the process is alive, twice as often as it wants to, as long as every loop turns.
  private func feedWatchdog(of manager: ServiceManager, _ server: ProxyServer, _ signals: StopSignals) throws
  {
    guard let limitMs = manager.watchdogMs else { return }
    try signals.every(ms: max(1, limitMs / 2)) {
      let areTurning = server.metrics.loops.allSatisfy { $0.sinceLastTurnUs ?? 0 < limitMs &* 1000 }
      if areTurning { manager.tell(.alive) }
    }
  }

  /// What the flags and the machine add up to.
  func proxyConfiguration(descriptors: DescriptorLimit) throws -> ProxyConfiguration {
    var configuration = ProxyConfiguration(
      listeners: listening.listen.isEmpty && tls.tlsListen.isEmpty ? [Defaults.listen] : listening.listen,
      newServers: origins.new, oldServers: origins.old,
      workers: listening.workers ?? min(256, ProcessEnvironment.cores),
      fallbackOn: try fallback.fallbackOn.statuses(),
      learnOn: try fallback.learnOn.statuses(),
      oldMissOn: try fallback.oldMissOn.statuses())
    configuration.tlsListeners = tls.tlsListen
    if tls.tlsRedirect {
      configuration.httpsRedirect = HTTPSRedirect(port: UInt16(tls.tlsRedirectPort ?? 443))
    }
    configuration.strictTransportSeconds = tls.tlsHSTS.map { Int($0.duration.components.seconds) }
    configuration.http2 = http2.limits
    configuration.acceptsHTTP2Cleartext = http2.h2c
    configuration.oldStandsIn = fallback.fallbackOn.unreachable
    configuration.keys = KeyScheme(map.mapKey, ignoring: try map.ignoredQuery)
    configuration.mapRecheckAfter = map.mapRecheckAfter.duration
    configuration.oldMode = try origins.mode()
    configuration.oldCookiePrefix = cookies.oldCookiePrefix?.text
    configuration.stickyCookie = cookies.stickyCookie?.text
    configuration.softMisses = fallback.softMisses
    configuration.missTTL = fallback.missTTL.duration
    configuration.missMemory = fallback.missMemory
    configuration.rules = try rules.paths.rules()
    configuration.assetsFollowReferer = rules.oldAssetsByReferer
    configuration.replayMemoryBytes = replay.memory.bytes
    configuration.replayMemoryTotalBytes = replay.replayMemoryTotal.bytes
    configuration.replayLimitBytes = replay.replayLimit.bytes
    configuration.balance = balance.balance
    configuration.originFailures = balance.originFails
    configuration.originPause = balance.originPause.duration
    configuration.originPauseMax = balance.originPauseMax.duration
    configuration.slowStart = balance.slowStart.duration
    configuration.queueLength = balance.queueLength
    configuration.queueTimeout = balance.queueTimeout.duration
    configuration.retries = balance.retries
    configuration.retryBudgetPercent = balance.retryBudget.percent
    configuration.timeouts = ProxyConfiguration.Timeouts(
      header: limits.headerTimeout.duration, connect: limits.connectTimeout.duration,
      response: limits.responseTimeout.duration, idle: limits.idleTimeout.duration,
      tunnel: limits.tunnelTimeout.duration)
    configuration.maxConnections = limits.maxConnections ?? descriptors.connections
    configuration.maxHeaderBytes = limits.maxHeaderBytes.bytes
    configuration.maxHeaderFields = limits.maxHeaderFields
    configuration.acceptsProxyHeader = clients.acceptProxy
    configuration.trustedProxies = clients.trusted
    configuration.writesForwarded = headers.forwardedFor
    configuration.writesForwardedField = headers.forwarded
    configuration.writesVia = headers.via
    configuration.oldHost = origins.oldHost == Defaults.oldHost ? nil : origins.oldHost
    configuration.debugHeaders = headers.debugHeaders
    configuration.resolveEvery = origins.resolveEvery.duration
    configuration.originKeepalive = limits.originKeepalive
    configuration.splices = limits.splice
    configuration.healthChecks = try health.checks(oldHost: configuration.oldHost)
    configuration.drainDelay = stopping.drainDelay.duration
    configuration.drainTimeout = stopping.drainTimeout.duration
    return configuration
  }

  private func makeAdmin(
    _ proxy: ProxyServer, _ memory: URLMemory, _ configuration: ProxyConfiguration,
    _ settings: SettingsInForce, on places: [ListenAddress], logger: Logger
  ) throws(CommandFailure) -> AdminServer? {
    if places.isEmpty { return nil }
    let subject = AdminSubject(
      proxy: proxy, map: memory.map, keys: configuration.keys, mapLimit: map.mapMaxURLs,
      mapFile: memory.file, version: Relevo.versionNumber, startedAt: SystemClock.now,
      workers: configuration.workers, settings: settings)
    return AdminServer(try admin.configuration(on: places), subject: subject, logger: logger)
  }

  private func start(
    _ admin: AdminServer?, inheriting sockets: InheritedSockets, logger: Logger
  ) throws(CommandFailure) {
    guard let admin else { return }
    do {
      try admin.start(inheriting: sockets)
    } catch {
      throw CommandFailure(error)
    }
    for address in admin.listeningOn { logger.info("the admin plane listens on \(address)") }
  }

  private func openAccessLog(logger: Logger) throws(CommandFailure) -> AccessLog? {
    guard let destination = logging.accessLog.destination else { return nil }
    do {
      return try AccessLog(destination: destination, format: logging.logFormat, logger: logger)
    } catch {
      throw CommandFailure(error.description, code: .configuration)
    }
  }

  func warnAboutDescriptors(_ limit: DescriptorLimit, logger: Logger) {
    guard let wanted = limits.maxConnections, wanted > limit.uncappedConnections else { return }
    logger.warning(
      """
      --max-connections \(wanted) may need \(DescriptorLimit.needed(forConnections: wanted)) open files and the \
      limit is \(limit.descriptors): raise it (ulimit -n, LimitNOFILE=) or give at most \
      \(limit.uncappedConnections)
      """)
  }

  private func announce(_ server: ProxyServer, _ configuration: ProxyConfiguration, logger: Logger) {
    for address in server.listeningOn { logger.info("listening on \(address)") }
    func list(_ servers: [OriginAddress]) -> Logger.MetadataValue {
      .string(servers.map(\.url).joined(separator: ","))
    }
    logger.info(
      "serving",
      metadata: [
        "new": list(configuration.newServers), "old": list(configuration.oldServers),
        "workers": "\(configuration.workers)", "max-connections": "\(configuration.maxConnections)",
      ])
  }
}
