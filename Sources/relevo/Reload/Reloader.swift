import Admin
import EventLoop
import Logging
import Proxy

/// What SIGHUP does: reads the files of settings, rules and credentials again, and lets the process go on with them.
///
/// All or nothing: what can be wrong is looked at before anything changes. It runs on a thread of its own, as names are
/// resolved and files read; neither clients nor signals wait for that.
final class Reloader: Sendable {
  /// What is changed.
  struct Subject: Sendable {
    let proxy: ProxyServer
    /// Nil: there is none.
    let admin: AdminServer?
    let encryption: EncryptionFiles
    let settings: SettingsInForce
    let threshold: LogThreshold
    let descriptors: DescriptorLimit
  }

  private enum State {
    case idle, reading
    /// It was asked for once more meanwhile.
    case readingAgain
  }

  private let subject: Subject
  private let arguments: [String]
  private let environment: [String: String]
  private let logger: Logger
  private let state = Locked(State.idle)
  /// Those that have been asked how they answer for what they do not have.
  private let probed: Locked<Set<String>>

  /// - Parameters:
  ///   - arguments: the command line without the program's name.
  ///   - servers: those that the start has asked already.
  init(
    _ subject: Subject, arguments: [String], environment: [String: String], servers: ProxyConfiguration,
    logger: Logger
  ) {
    self.subject = subject
    self.arguments = arguments
    self.environment = environment
    self.logger = logger
    probed = Locked(Self.names(servers))
  }

  /// Returns at once. What is asked for while it reads makes it read once more, however often that is.
  func begin() {
    let isReading = state.withLock { state in
      defer { state = state == .idle ? .reading : .readingAgain }
      return state != .idle
    }
    if isReading { return }
    do throws(EventLoopError) {
      try LoopThread(name: "reload") { [self] in
        repeat { reload() } while hasToReadAgain()
      }.detach()
    } catch {
      state.withLock { $0 = .idle }
      failed("\(error)")
    }
  }

  private func hasToReadAgain() -> Bool {
    state.withLock { state in
      defer { state = state == .readingAgain ? .reading : .idle }
      return state == .readingAgain
    }
  }

  // MARK: Reading

  private func reload() {
    switch Invocation(arguments: arguments, environment: environment) {
    case .run(let command as ServeCommand): take(command)
    case .refuse(let failure): failed(failure.description)
    // The command line has not changed, and it was a serve.
    case .run, .print: failed("the command line asks for something else")
    }
  }

  private func take(_ command: ServeCommand) {
    let files = command.filesReadAgain
    if files.isEmpty {
      return logger.info(
        "SIGHUP: there is no --config, --rules-file, --admin-token-file, --admin-user-file or file of TLS to read again"
      )
    }
    do {
      var configuration = try command.proxyConfiguration(descriptors: subject.descriptors)
      configuration.encryption = try subject.encryption.read(command)
      let credentials = try subject.admin?.readCredentials()
      try subject.proxy.reload(configuration)
      if let credentials { subject.admin?.use(credentials) }
      // What is said of it is said if either of the two levels lets it pass.
      var teller = logger
      teller.logLevel = min(subject.threshold.level, command.logging.logLevel.level)
      subject.threshold.set(command.logging.logLevel.level)
      changed(command, files, teller)
      command.warnAboutDescriptors(subject.descriptors, logger: logger)
      try probe(command, configuration)
    } catch {
      failed("\(error)")
    }
  }

  /// Servers that are new are asked as those of the start were.
  private func probe(_ command: ServeCommand, _ configuration: ProxyConfiguration) throws {
    let known = probed.withLock { probed in
      let known = probed
      probed = Self.names(configuration)
      return known
    }
    guard command.logging.startupProbes else { return }
    StartupProbes(
      new: configuration.newServers.filter { !known.contains("new \($0.url)") },
      old: configuration.oldServers.filter { !known.contains("old \($0.url)") },
      oldHost: configuration.oldHost, tls: configuration.encryption.origins,
      rules: try MissRules(command.fallback), logger: logger
    ).begin()
  }

  private static func names(_ configuration: ProxyConfiguration) -> Set<String> {
    Set(configuration.newServers.map { "new \($0.url)" } + configuration.oldServers.map { "old \($0.url)" })
  }

  // MARK: Telling

  private func changed(_ command: ServeCommand, _ files: [String], _ logger: Logger) {
    let former = subject.settings.flags
    let (settings, needRestart) = FixedFlags.merge(command.settings, into: former)
    subject.settings.change(to: settings, at: SystemClock.now)
    let differing = FixedFlags.differing(former, settings)
    logger.notice(
      "SIGHUP: \(Self.list(files)) \(files.count == 1 ? "was" : "were") read again",
      metadata: ["changed": "\(differing.isEmpty ? "nothing" : differing.joined(separator: ","))"])
    if !needRestart.isEmpty {
      logger.warning(
        "SIGHUP: \(Self.list(needRestart)) \(needRestart.count == 1 ? "needs" : "need") a restart: what was before stays in force"
      )
    }
  }

  private func failed(_ sentence: String) {
    subject.settings.changeFailed()
    logger.error("SIGHUP: \(sentence); all stays as it was")
  }

  /// `a, b and c`.
  private static func list(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }
}

extension ServeCommand {
  /// The files that SIGHUP looks at.
  fileprivate var filesReadAgain: [String] {
    let single = [settingsSource.config, rules.paths.rulesFile, admin.adminTokenFile ?? admin.adminUserFile]
    return single.compactMap { $0?.description } + tls.files + originTLS.files
  }
}
